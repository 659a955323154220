import assert from 'node:assert/strict';
import { transcriptText } from '../../../src/vscode/model/transcriptText.ts';

const at = '2030-05-17T12:30:05.000Z';
const text = (...entries: Record<string, unknown>[]) => transcriptText(entries.map((entry) => ({ at, ...entry })));

describe('A transcript as text', () => {
  it('shows who was asked what, and how it ended', () => {
    const shown = text(
      { type: 'prompt', role: 'implementer', agent: 'claude', model: 'claude-sonnet-4-6', text: 'Fix it.\nAll of it.' },
      { type: 'end', end: { ok: true, result: 'Fixed.', exit_code: 0 } },
    );
    assert.equal(
      shown,
      '# implementer: claude, claude-sonnet-4-6\n\n`12:30:05` Asked:\n\n> Fix it.\n> All of it.\n\n---\n\n`12:30:05` **Ended well** (exit code 0)\n\nFixed.\n',
    );
  });

  it('puts text together that arrived in pieces', () => {
    assert.equal(text({ type: 'text', text: 'I look ' }, { type: 'text', text: 'first.' }, { type: 'usage' }), '`12:30:05` I look first.\n');
  });

  it('shows a tool call with its result, and both ends of a long output', () => {
    const output = Array.from({ length: 100 }, (_, n) => `line ${n}`).join('\n');
    const shown = text({ type: 'tool_call', name: 'Bash', title: 'npm test', input: {} }, { type: 'tool_result', ok: false, output });
    assert.match(shown, /\*\*Bash\*\* `npm test`/);
    assert.match(shown, /→ failed\n\n```\nline 0\n[^]*line 19\n… 60 lines more …\nline 80\n[^]*line 99\n```/);
  });

  it('says what went wrong', () => {
    assert.match(text({ type: 'end', end: { ok: false, result: '', exit_code: 1, error: { kind: 'x', message: 'Invalid API key' } } }), /\*\*Ended with an error\*\* \(exit code 1\)\n\nInvalid API key/);
  });

  it('passes over kinds of entries that it does not know', () => {
    assert.equal(text({ type: 'new_kind' }, { type: 'user', text: 'Hurry' }), '`12:30:05` **You:** Hurry\n');
  });
});
