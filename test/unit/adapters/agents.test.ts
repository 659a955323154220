import assert from 'node:assert/strict';
import fc from 'fast-check';
import { extractJson } from '../../../src/core/extractJson.ts';
import { Channel } from '../../../src/adapters/agents/channel.ts';
import { claudeArguments } from '../../../src/adapters/agents/claude/arguments.ts';
import { closedUntil, endOf, errorOf } from '../../../src/adapters/agents/claude/outcome.ts';
import { toolOutput, toolTitle } from '../../../src/adapters/agents/claude/tools.ts';
import { UsageMeter } from '../../../src/adapters/agents/claude/usage.ts';
import { kindOfStatus } from '../../../src/adapters/agents/httpStatus.ts';
import { Paragraphs } from '../../../src/adapters/agents/paragraphs.ts';
import type { AgentRequest } from '../../../src/engine/ports.ts';

describe('the JSON answer in a text', () => {
  it('is the whole text, the last fenced block that parses, or the outermost braces, in this order', () => {
    assert.deepEqual(extractJson(' {"a": 1}\n'), { a: 1 });
    assert.deepEqual(extractJson('First ```x```:\n```json\n{"a": 1}\n```\nthen\n```\n{"a": 2}\n```\nand\n```js\nno json\n```'), { a: 2 });
    assert.deepEqual(extractJson('I say {"a": {"b": "}"}} and no more'), { a: { b: '}' } });
  });

  it('is none where there is none', () => {
    for (const text of ['', 'no', '[1, 2]', '42', 'a { b } c', '}{', '```json\n[1]\n```']) assert.equal(extractJson(text), undefined, text);
  });

  it('is found in any prose without braces', () => {
    fc.assert(
      fc.property(fc.object(), fc.string(), fc.string(), (value, before, after) => {
        const clean = (text: string): string => text.replace(/[{}`~]/g, '');
        const json = JSON.stringify(value);
        assert.deepEqual(extractJson(`${clean(before)}${json}${clean(after)}`), JSON.parse(json));
      }),
    );
  });
});

describe('the channel of an agent', () => {
  it('keeps what is said before anybody listens, and drops what is said after the end', async () => {
    const channel = new Channel();
    channel.push({ type: 'text', text: 'early' });
    channel.end({ ok: true, result: '', exit_code: 0 });
    channel.end({ ok: false, result: 'second', exit_code: 1 });
    channel.push({ type: 'text', text: 'late' });
    const heard: string[] = [];
    for await (const message of channel) heard.push(message.type);
    assert.deepEqual(heard, ['text', 'end']);
  });
});

describe('streamed text in paragraphs', () => {
  it('loses and repeats nothing, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.lorem({ maxCount: 60, mode: 'words' }), fc.constant('\n\n'), fc.constant('\n```\n')), { maxLength: 40 }), (parts) => {
        const paragraphs = new Paragraphs();
        const whole = parts.join('');
        const given = parts.map((part) => paragraphs.add(part)).filter((one) => one !== undefined);
        assert.equal([...given, paragraphs.rest(whole)].join('\n\n'), whole);
      }),
    );
  });

  it('keeps a fenced block of code in one piece', () => {
    const paragraphs = new Paragraphs();
    assert.equal(paragraphs.add('```\n' + 'code\n'.repeat(200) + '\n\nmore\n\n'), undefined);
  });
});

describe('the usage of a process', () => {
  const start = (id: string, input: number) => ({ type: 'message_start', message: { id, usage: { input_tokens: input, output_tokens: 1, cache_read_input_tokens: 7 } } });
  const delta = (output: number) => ({ type: 'message_delta', usage: { output_tokens: output } });

  it('counts a request from its first event, so that a killed one is not forgotten', () => {
    const meter = new UsageMeter();
    meter.streamed(start('m1', 100), true);
    meter.streamed(delta(20), true);
    meter.streamed(start('m2', 300), true);
    assert.deepEqual(meter.total, { input_tokens: 400, output_tokens: 21, cache_read_tokens: 14, cache_write_tokens: 0 });
    assert.deepEqual([meter.turns, meter.costUsd], [2, null]);
  });

  it('takes the totals of a result as they are and adds only what comes after it', () => {
    const meter = new UsageMeter();
    meter.streamed(start('m1', 100), true);
    meter.concluded({ total_cost_usd: 0.5, modelUsage: { a: { inputTokens: 100, outputTokens: 20 }, b: { inputTokens: 5, outputTokens: 1, cacheCreationInputTokens: 9 } } });
    assert.deepEqual([meter.total.input_tokens, meter.total.cache_write_tokens, meter.costUsd], [105, 9, 0.5]);
    meter.streamed(start('m2', 50), true);
    assert.equal(meter.total.input_tokens, 155);
  });

  it('reads the price that the CLI quotes between results, and none that it made up', () => {
    const meter = new UsageMeter();
    meter.streamed(start('m1', 100), true);
    assert.equal(meter.quoted('Estimated cost:        $0.0037\nUsage'), true);
    assert.equal(meter.costUsd, 0.0037);
    assert.equal(meter.quoted('nothing of the kind'), false);
    const unknown = new UsageMeter();
    unknown.streamed(start('m1', 100), true);
    unknown.quoted('Estimated cost: $0.0050 (costs may be inaccurate due to usage of unknown models)');
    assert.equal(unknown.costUsd, null);
  });
});

describe('what came of a Claude attempt', () => {
  const ended = { code: 0, signal: null };
  const api = (status: number, more = {}) => ({ subtype: 'success', is_error: true, terminal_reason: 'api_error', api_error_status: status, result: 'API Error', ...more });

  it('is success only by a result event that says so', () => {
    assert.equal(endOf({ result: { subtype: 'success', is_error: false, result: 'ok' } }, { code: 1, signal: null }, '', false).ok, true);
    assert.equal(endOf({ started: true }, ended, '', false).error?.kind, 'crashed');
    assert.equal(endOf({ result: { subtype: 'success', is_error: true } }, ended, '', false).ok, false);
    assert.equal(endOf({ result: { subtype: 'success' } }, ended, '', false).ok, false);
  });

  it('is an interruption when it was killed, even after an earlier turn went well', () => {
    const end = endOf({ killed: 'why', result: { subtype: 'success', is_error: false } }, ended, '', false);
    assert.deepEqual(end.error, { kind: 'interrupted', message: 'why' });
  });

  it('has a kind for every way in which the provider fails', () => {
    const kinds: [Record<string, unknown>, Parameters<typeof errorOf>[1], string][] = [
      [api(401), { apiError: 'authentication_failed' }, 'authentication'],
      [api(403), {}, 'authentication'],
      [api(400), { apiError: 'billing_error' }, 'usage_limit'],
      [api(404), { apiError: 'model_not_found' }, 'model_not_found'],
      [api(413), {}, 'invalid_request'],
      [api(429), {}, 'rate_limit'],
      [api(429, { api_error: 'usage_limit_reached' }), {}, 'usage_limit'],
      [api(429), { resetsAt: 5 }, 'usage_limit'],
      [api(503), {}, 'server_error'],
      [api(529), {}, 'overloaded'],
      [{ subtype: 'success', is_error: true, terminal_reason: 'api_error' }, {}, 'connection'],
      [{ subtype: 'error_max_turns', is_error: true }, {}, 'max_turns'],
      [{ subtype: 'error_max_budget_usd', is_error: true }, {}, 'budget'],
      [{ subtype: 'error_max_structured_output_retries', is_error: true }, {}, 'invalid_answer'],
      [{ subtype: 'error_during_execution', is_error: true, terminal_reason: 'aborted_streaming' }, {}, 'interrupted'],
      [{ subtype: 'error_during_execution', is_error: true, errors: ['No conversation found with session ID: x'] }, {}, 'session_not_found'],
      [{ subtype: 'error_during_execution', is_error: true, errors: ['No conversation found, said a test'] }, { started: true }, 'unknown'],
    ];
    for (const [result, evidence, kind] of kinds) assert.equal(errorOf(result, evidence)?.kind, kind, JSON.stringify([result, evidence]));
    assert.equal(kindOfStatus(408), 'connection');
  });

  it('holds the time at which a limit ends', () => {
    assert.equal(errorOf(api(429), { resetsAt: 7000 })?.resets_at, 7000);
    assert.equal(closedUntil({ rate_limit_info: { status: 'rejected', resetsAt: 7 } }), 7000);
    assert.equal(closedUntil({ rate_limit_info: { status: 'rejected' } }), null);
    assert.equal(closedUntil({ rate_limit_info: { status: 'allowed_warning', resetsAt: 7 } }), undefined);
    assert.equal(closedUntil({ rate_limit_info: { status: 'rejected', resetsAt: 7, isUsingOverage: true } }), undefined);
  });

  it('finds the JSON in the words when the CLI gave no structured output', () => {
    const result = { subtype: 'success', is_error: false, result: 'Here: {"status": "approved"}' };
    assert.deepEqual(endOf({ result }, ended, '', true).structured, { status: 'approved' });
    assert.deepEqual(endOf({ result: { ...result, structured_output: { status: 'rejected' } } }, ended, '', true).structured, { status: 'rejected' });
    assert.equal('structured' in endOf({ result }, ended, '', false), false);
  });
});

describe('the command line of Claude', () => {
  const request: AgentRequest = {
    task_id: 'T', attempt_id: 'a1', number: 1, role: 'implementer', step_id: null, mark: 'm', model: 'opus', cwd: '/w', prompt: 'the prompt', resume: null, env: { SECRET: 's3cret' },
    agent: { driver: 'claude', args: [], env: { ANTHROPIC_API_KEY: 'k3y' }, max_turns: 7 }, max_budget_usd: 2, output_schema: { type: 'object' },
  };

  it('holds limits, model, schema and session, and neither prompt nor secret', () => {
    const args = claudeArguments(request, 'sid');
    const after = (option: string): string | undefined => args[args.indexOf(option) + 1];
    assert.deepEqual(
      ['--session-id', '--model', '--max-turns', '--max-budget-usd', '--json-schema', '--permission-mode'].map(after),
      ['sid', 'opus', '7', '2', '{"type":"object"}', 'acceptEdits'],
    );
    assert.doesNotMatch(args.join(' '), /the prompt|s3cret|k3y|--resume/);
  });

  it('resumes by id, and takes the permission mode of the configuration', () => {
    const args = claudeArguments({ ...request, resume: 'old', agent: { ...request.agent, permission_mode: 'default' } }, 'old');
    assert.equal(args[args.indexOf('--resume') + 1], 'old');
    assert.equal(args.includes('--session-id'), false);
    assert.equal(args[args.indexOf('--permission-mode') + 1], 'default');
  });

  it('has it ask about everything where rules hold something back, whatever mode the configuration wants but one that changes nothing', () => {
    const of = (permission_mode?: 'acceptEdits' | 'bypassPermissions' | 'plan'): string | undefined => {
      const args = claudeArguments({ ...request, ask_all: true, agent: { ...request.agent, ...(permission_mode && { permission_mode }) } }, 'sid');
      return args[args.indexOf('--permission-mode') + 1];
    };
    assert.deepEqual([of(), of('acceptEdits'), of('bypassPermissions'), of('plan')], ['default', 'default', 'default', 'plan']);
  });
});

describe('a tool call in words', () => {
  it('says what it does, with paths relative to the worktree', () => {
    assert.equal(toolTitle('Edit', { file_path: '/w/src/a.ts' }, '/w'), 'Edit: src/a.ts');
    assert.equal(toolTitle('Read', { file_path: '/etc/passwd' }, '/w'), 'Read: /etc/passwd');
    assert.equal(toolTitle('Bash', { command: 'npm test\nnpm run lint', description: 'Test' }, '/w'), 'Bash: npm test');
    assert.equal(toolTitle('AskUserQuestion', { questions: [{ question: 'Which one?' }] }, '/w'), 'AskUserQuestion: Which one?');
    assert.equal(toolTitle('Odd', {}, '/w'), 'Odd');
  });

  it('shortens an output that no reader would read to its end', () => {
    assert.equal(toolOutput([{ type: 'text', text: 'a' }, { type: 'image' }]), 'a\n[image]');
    const long = toolOutput('x'.repeat(40_000));
    assert.ok(long.length < 33_000 && long.endsWith('… 7232 more characters'));
  });
});
