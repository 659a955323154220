import assert from 'node:assert/strict';
import fc from 'fast-check';
import { lastLine, renderTranscript, type TranscriptEntry } from '../../../src/core/transcript.ts';

function at(second: number, entry: Record<string, unknown>): TranscriptEntry {
  return { at: new Date(Date.UTC(2026, 0, 5, 12, 0, second)).toISOString(), ...entry };
}

const USAGE = { usage: { input_tokens: 12345, output_tokens: 678, cache_read_tokens: 0, cache_write_tokens: 9 }, cost_usd: 0.0123, turns: 3 };

describe('a transcript as text (row 239)', () => {
  it('reads from the prompt to the end, in the order of time', () => {
    assert.equal(
      renderTranscript([
        at(0, { type: 'prompt', text: 'Fix it.\n\nRules', role: 'implementer', agent: 'claude', model: null }),
        at(1, { type: 'started', session_id: 's-1', model: 'm-1', process: null }),
        at(2, { type: 'thinking', text: 'Let me see.' }),
        at(3, { type: 'text', text: 'I look at the tests.' }),
        at(4, { type: 'tool_call', id: '1', name: 'Bash', title: 'npm test', input: { command: 'npm test' } }),
        at(9, { type: 'tool_result', id: '1', ok: true, output: '\n3 passing\nin 2 s' }),
        at(10, { type: 'permission', request_id: 'p', tool: 'Bash', title: 'git fetch', input: {}, reason: 'not in the policy' }),
        at(20, { type: 'permission_answer', request_id: 'p', tool: 'Bash', title: 'git fetch', by: 'ada', behavior: 'deny', message: 'no network' }),
        at(21, { type: 'usage', ...USAGE }),
        at(22, { type: 'user', text: 'Use the cache.' }),
        at(23, { type: 'text', text: 'Done.' }),
        at(75, { type: 'end', end: { ok: true, result: 'Done.', exit_code: 0 } }),
      ]),
      `### 12:00:00 Prompt · implementer · claude

> Fix it.
>
> Rules

- \`12:00:01\` started with m-1, session s-1

### 12:00:02 Thinking

> Let me see.

### 12:00:03 Agent

I look at the tests.

- \`12:00:04\` **Bash** \`npm test\` ✓ \`3 passing\` (+1 line)
- \`12:00:10\` asks to use **Bash** \`git fetch\`: not in the policy → **denied** by ada: no network

### 12:00:22 You

Use the cache.

### 12:00:23 Agent

Done.

### 12:01:15 Succeeded after 1m15s

Tokens: 12,345 in, 678 out, cache 0 read and 9 written. Cost: $0.0123, 3 turns.
`,
    );
  });

  it('calls a stop an interruption, not a failure', () => {
    const end = (kind: string) => renderTranscript([at(0, { type: 'started' }), at(18, { type: 'end', end: { ok: false, result: '', exit_code: null, error: { kind, message: 'Baton was stopped.' } } })]);
    assert.match(end('interrupted'), /### 12:00:18 Interrupted after 18s\n\nBaton was stopped\./);
    assert.match(end('silence'), /Failed after 18s: silence/);
  });

  it('names a tool once, and a start once that is told twice', () => {
    const rendered = renderTranscript([
      at(1, { type: 'started', session_id: 's-1', model: 'm-1' }),
      at(2, { type: 'started', session_id: 's-1', model: 'm-1' }),
      at(3, { type: 'tool_call', id: '1', name: 'Read', title: 'Read: src/a.js', input: {} }),
      at(4, { type: 'tool_call', id: '2', name: 'Read', title: 'Readable', input: {} }),
    ]);
    assert.equal(rendered, '- `12:00:01` started with m-1, session s-1\n- `12:00:03` **Read** `src/a.js` …\n- `12:00:04` **Read** `Readable` …\n');
  });

  it('says why it failed, and that there is no price', () => {
    const page = renderTranscript([
      at(0, { type: 'usage', ...USAGE, cost_usd: null }),
      at(1, { type: 'limit', message: 'Usage limit reached', resets_at: Date.UTC(2026, 0, 5, 17) }),
      at(2, { type: 'end', end: { ok: false, result: '', exit_code: 1, error: { kind: 'rate_limit', message: 'You have hit your limit.' } } }),
    ]);
    assert.match(page, /\*\*usage limit\*\*: Usage limit reached, until 2026-01-05 17:00 UTC/);
    assert.match(page, /### 12:00:02 Failed after 2s: rate limit\n\nYou have hit your limit\.\n\nExit code 1\.\n\nTokens: .* Cost: no price given/);
  });

  it('shows a failed tool’s output from both ends and a running one as such', () => {
    const output = Array.from({ length: 50 }, (_, index) => `line ${index}`).join('\n');
    const page = renderTranscript([
      at(0, { type: 'tool_call', id: '1', name: 'Bash', title: 'Bash: make', input: {} }),
      at(1, { type: 'tool_result', id: '1', ok: false, output }),
      at(2, { type: 'tool_call', id: '2', name: 'Read', title: 'Read', input: {} }),
    ]);
    assert.match(page, /✗\n\n {6}line 0\n/);
    assert.match(page, /… 42 lines …\n/);
    assert.match(page, / {6}line 49\n/);
    assert.match(page, /\*\*Read\*\* …\n$/);
  });

  it('keeps lines of a program together and paragraphs apart', () => {
    const page = renderTranscript([at(0, { type: 'text', text: 'one' }), at(1, { type: 'text', text: 'two' }), at(2, { type: 'text', text: 'three\nfour' })]);
    assert.equal(page, '### 12:00:00 Agent\n\none\ntwo\n\nthree\nfour\n');
  });

  it('keeps back-ticks in commands readable', () => {
    assert.match(renderTranscript([at(0, { type: 'tool_call', id: '1', name: 'Bash', title: 'echo `date`', input: {} })]), /`` echo `date` ``/);
  });

  it('shows structured results, and what it does not know, instead of dropping it', () => {
    const page = renderTranscript([at(0, { type: 'novelty', x: 1 }), at(1, { type: 'end', end: { ok: true, result: '', exit_code: 0, structured: { status: 'approved' } } })]);
    assert.match(page, /novelty: `.*"x":1/);
    assert.match(page, /```json\n\{\n {2}"status": "approved"\n\}\n```/);
  });

  it('shows an answer and a result that have lost their question', () => {
    const page = renderTranscript([at(0, { type: 'permission_answer', request_id: 'p', tool: 'Write', title: 'a.ts', by: 'policy', behavior: 'allow' }), at(1, { type: 'tool_result', id: '9', ok: true, output: 'x' })]);
    assert.match(page, /\*\*Write\*\* `a\.ts` → \*\*allowed\*\* by policy/);
    assert.match(page, /a tool answered ✓ `x`/);
  });

  it('never fails on broken entries', () => {
    const type = fc.constantFrom('prompt', 'started', 'text', 'thinking', 'user', 'tool_call', 'tool_result', 'permission', 'permission_answer', 'limit', 'retrying', 'log', 'usage', 'end', 'zzz');
    const entry = fc.tuple(type, fc.dictionary(fc.constantFrom('text', 'id', 'end', 'usage', 'output', 'title', 'message', 'resets_at', 'ok', 'at'), fc.anything()));
    fc.assert(
      fc.property(fc.array(entry), (raw) => {
        renderTranscript(raw.map(([kind, fields]) => ({ ...(JSON.parse(JSON.stringify(fields)) as object), at: '2026-01-05T12:00:00.000Z', type: kind })));
      }),
    );
  });

  it('reads a long one to its end', () => {
    const entries = Array.from({ length: 20_000 }, (_, index) => at(index % 60, index % 2 === 0 ? { type: 'tool_call', id: String(index), name: 'Read', title: 'a.ts', input: {} } : { type: 'tool_result', id: String(index - 1), ok: true, output: 'x' }));
    assert.equal(renderTranscript(entries).split('a.ts').length - 1, 10_000);
  });
});

describe('the last line of a live view', () => {
  for (const [what, entry, line] of [
    ['the last words of a text', { type: 'text', text: '# Plan\n\nFirst this.\n- **then** that\n\n' }, 'then that'],
    ['not the fence of a code block', { type: 'text', text: 'See:\n```ts\nx();\n```' }, 'x();'],
    ['a tool’s title in one line', { type: 'tool_call', id: '1', name: 'Bash', title: 'npm test\n&& true', input: {} }, 'npm test && true'],
    ['a tool’s name when it has no title', { type: 'tool_call', id: '1', name: 'Read', title: '', input: {} }, 'Read'],
    ['a question', { type: 'permission', request_id: 'p', tool: 'Bash', title: 'git push', input: {}, reason: null }, 'Asks: git push'],
    ['a limit', { type: 'limit', message: 'Limit reached', resets_at: null }, 'Limit reached'],
    ['a log without colours', { type: 'log', text: '\u001b[31mwarning\u001b[0m\n' }, 'warning'],
    ['nothing for figures', { type: 'usage', ...USAGE }, undefined],
    ['nothing for an empty text', { type: 'text', text: ' \n' }, undefined],
  ] as const) {
    it(`is ${what}`, () => assert.equal(lastLine(entry), line));
  }

  it('is short, and cuts no letter in two', () => {
    const line = lastLine({ type: 'text', text: '🙂'.repeat(500) }) ?? '';
    assert.ok(line.length <= 160);
    assert.match(line, /^(🙂)+…$/u);
  });
});
