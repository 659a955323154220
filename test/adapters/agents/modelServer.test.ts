import assert from 'node:assert/strict';
import { ModelServer } from '../../support/modelServer/server.ts';
import { byPrompt } from '../../support/modelServer/scenario.ts';

interface Answer {
  status: number;
  body: { content?: { type: string; text?: string; name?: string; input?: Record<string, unknown> }[]; error?: { type: string; message: string } };
}

describe('the scripted model server', () => {
  let server: ModelServer;
  before(async () => {
    server = await ModelServer.start();
  });
  after(() => server.close());

  async function ask(url: string, messages: unknown[], tools = ['Read', 'Bash', 'Edit', 'Write']): Promise<Answer> {
    const body = JSON.stringify({ model: 'm', max_tokens: 10, system: 'Working directory: /w/t', messages, tools: tools.map((name) => ({ name })) });
    const response = await fetch(`${url}/v1/messages`, { method: 'POST', body });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }
  const user = (text: string) => ({ role: 'user', content: [{ type: 'text', text: `<system-reminder>noise</system-reminder>` }, { type: 'text', text }] });
  const toolResult = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'ok' }] };

  it('serves several tasks from one scenario, each at its own place', async () => {
    const url = server.scenario('tasks', byPrompt([
      { when: /alpha/, turns: [{ tools: [{ tool: 'edit', path: 'a.js', old: 'x', new: 'y' }] }, { text: 'alpha done' }] },
      { when: /beta/, turns: [{ error: { status: 529 }, times: 2 }, { text: 'beta done' }] },
    ]));
    const first = await ask(url, [user('do alpha')]);
    assert.deepEqual(first.body.content?.map(({ name, input }) => [name, input]), [['Edit', { file_path: '/w/t/a.js', old_string: 'x', new_string: 'y' }]]);
    assert.equal((await ask(url, [user('do beta')])).status, 529);
    assert.equal((await ask(url, [user('do alpha'), { role: 'assistant', content: 'editing' }, toolResult])).body.content?.[0]?.text, 'alpha done');
    assert.equal((await ask(url, [user('do beta')])).status, 529);
    assert.equal((await ask(url, [user('do beta')])).body.content?.[0]?.text, 'beta done');
    assert.equal((await ask(url, [user('do alpha')])).body.content?.[0]?.name, 'Edit', 'a second attempt begins again');
  });

  it('answers what nobody foresaw with an error that says so', async () => {
    const url = server.scenario('short', [{ text: 'only one' }]);
    await ask(url, [user('x')]);
    const second = await ask(url, [user('x')]);
    assert.equal(second.status, 400);
    assert.match(second.body.error?.message ?? '', /"short" has only 1 turns/);
    assert.match((await ask(`${server.url}/s/nowhere`, [user('x')])).body.error?.message ?? '', /no scenario "nowhere"/);
  });

  it('answers side calls, which have no tools, without using up the script', async () => {
    const url = server.scenario('side', [{ text: 'main' }]);
    await ask(url, [user('a title, please')], []);
    assert.equal((await ask(url, [user('x')])).body.content?.[0]?.text, 'main');
    assert.equal(server.turns('side').length, 1);
    assert.equal(server.requests.filter((one) => one.scenario === 'side').length, 2);
  });
});
