import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { readTranscript } from '../../../src/adapters/runs/transcript.ts';
import type { TaskExecution } from '../../../src/core/execution.ts';
import type { AgentMessage, Ports } from '../../../src/engine/ports.ts';
import { openRepository } from '../../../src/host/index.ts';
import { findRepository } from '../../../src/host/repositoryKey.ts';
import type { Session } from '../../../src/host/session.ts';
import { claudeEnvironment, provisionClaude } from '../../support/agents.ts';
import { quietLog } from '../../support/engine.ts';
import { ModelServer } from '../../support/modelServer/server.ts';
import { survivors, until } from '../../support/processes.ts';
import { gitEnv, makeRepo } from '../../support/repo.ts';
import { keepTempDir } from '../../support/tmp.ts';

/** Works until the file `go` is there; leaves a daemon behind until then. */
const WORKS = 'echo x > "$BATON_TASK_ID.txt"; setsid sleep 600 & echo "at work"; while [ ! -e "$0/go" ]; do sleep 0.05; done';

/** Whole engines, one after the other, on one repository: what a window or a command opens, and what it leaves when it goes. */
describe('A host that comes after another', function () {
  this.timeout(120_000);
  const temp = keepTempDir();
  const open: Session[] = [];
  let count = 0;

  class Place {
    readonly folder: string;
    readonly root: string;
    readonly mark: string;

    constructor(folder: string, root: string, mark: string) {
      this.folder = folder;
      this.root = root;
      this.mark = mark;
    }

    /** A window (it stays) or a command (`passive`: it applies itself and lets go). */
    async host(passive = false, throughPorts: (ports: Ports) => Ports = (ports) => ports): Promise<Session> {
      const session = await openRepository({
        folder: this.root,
        host: 'cli',
        log: quietLog(),
        distDir: path.resolve('dist'),
        env: { ...process.env, XDG_DATA_HOME: path.join(this.folder, 'data'), XDG_RUNTIME_DIR: path.join(this.folder, 'run') },
        passive,
        throughPorts,
      });
      open.push(session);
      return session;
    }

    go(): void {
      writeFileSync(path.join(this.folder, 'go'), '');
    }

    async task(session: Session): Promise<TaskExecution> {
      return (await session.api.task('one')) ?? assert.fail('the task is known');
    }

    async until(session: Session, what: string, holds: (task: TaskExecution) => boolean): Promise<TaskExecution> {
      await until(what, async () => {
        const task = await session.api.task('one');
        return task !== undefined && holds(task);
      }, 45_000);
      return this.task(session);
    }

    async gone(): Promise<void> {
      await until('nothing is left', async () => (await survivors(this.mark)).length === 0);
    }

    transcript(): unknown[] {
      return readTranscript(path.join(this.root, '.baton/runs/one/a1')).map(({ type }) => type);
    }
  }

  async function make(config: (folder: string) => Record<string, unknown>): Promise<Place> {
    const folder = path.join(temp.path, String((count += 1)));
    const tasks = stringify({ tasks: [{ id: 'one', goal: 'Do it' }] });
    const common = { gates: [{ name: 'check', run: 'true' }], merge: { policy: 'auto' } };
    const { root } = await makeRepo({ '.gitignore': '.baton/\n', '.baton/tasks.yaml': tasks, '.baton/orchestrator.yaml': stringify({ ...common, ...config(folder) }) }, path.join(folder, 'repo'));
    return new Place(folder, root, `${(await findRepository(root)).key}:`);
  }

  const worker = (more: Record<string, unknown> = {}) => (folder: string): Record<string, unknown> => ({
    agents: { worker: { driver: 'command', command: 'sh', args: ['-c', WORKS, folder] } },
    roles: { implementer: 'worker' },
    ...more,
  });

  /** One host starts the task and goes when its agent is at work. */
  async function startAndLeave(place: Place): Promise<void> {
    const first = await place.host();
    await first.api.send({ type: 'start' });
    await until('the agent is at work', async () => (await first.api.snapshot()).tasks[0]?.last_line === 'at work', 30_000);
    await first.close();
  }

  before(() => Object.assign(process.env, gitEnv()));
  afterEach(async () => {
    for (const session of open.splice(0)) await session.close();
  });
  after(() => temp.remove());

  it('goes on with its agent, in the same attempt, and leaves nothing behind in the end (rows 230, 255)', async () => {
    const place = await make(worker());
    await startAndLeave(place);
    const second = await place.host();
    assert.equal((await second.api.snapshot()).tasks[0]?.attempt_id, 'a1');
    place.go();
    const task = await place.until(second, 'the task is done', ({ state }) => state === 'done');
    assert.deepEqual(task.attempts.map(({ attempt_id: id, outcome }) => [id, outcome]), [['a1', 'succeeded']]);
    assert.equal(task.interruptions, 0);
    assert.deepEqual(place.transcript(), ['prompt', 'started', 'text', 'end']);
    await place.gone();
  });

  const broken = (): never => {
    throw new Error('The machine is full.');
  };
  for (const [what, breaks] of [
    ['cannot end what else was left', (ports: Ports): Ports => ({ ...ports, processes: { ...ports.processes, sweep: () => Promise.resolve().then(broken) } })],
    ['cannot watch its files', (ports: Ports): Ports => ({ ...ports, sources: { ...ports.sources, watch: broken } })],
  ] as const) {
    it(`${what} gives up and lets the agent live, which the next one in the same process goes on with`, async () => {
      const place = await make(worker());
      await startAndLeave(place);
      await assert.rejects(place.host(false, breaks), /The machine is full/);
      const second = await place.host();
      assert.equal((await second.api.snapshot()).tasks[0]?.attempt_id, 'a1');
      place.go();
      const task = await place.until(second, 'the task is done', ({ state }) => state === 'done');
      assert.deepEqual(task.attempts.map(({ attempt_id: id, outcome }) => [id, outcome]), [['a1', 'succeeded']]);
      await place.gone();
    });
  }

  it('goes on with it although the loop was stopped meanwhile: a Stop lets attempts finish', async () => {
    const place = await make(worker());
    await startAndLeave(place);
    const command = await place.host(true);
    await command.api.send({ type: 'stop' });
    await command.close();
    const window = await place.host();
    place.go();
    const task = await place.until(window, 'the attempt has ended', ({ attempts }) => attempts[0]?.outcome !== 'running');
    assert.equal(task.attempts[0]?.outcome, 'succeeded');
    await place.gone();
  });

  it('and only looks at the tasks leaves the agent at work', async () => {
    const place = await make(worker());
    await startAndLeave(place);
    for (let look = 0; look < 2; look += 1) {
      const command = await place.host(true);
      assert.equal((await command.api.snapshot()).tasks[0]?.group, 'running');
      await command.close();
    }
    assert.ok((await survivors(`${place.mark}one:`)).length > 0);
    place.go();
    const window = await place.host();
    assert.equal((await place.until(window, 'the task is done', ({ state }) => state === 'done')).attempts.length, 1);
  });

  for (const [what, command] of [
    ['cancels the task', { type: 'cancel', task_id: 'one' }],
    ['stops everything at once', { type: 'stop_now' }],
  ] as const) {
    it(`and ${what} ends the agent with its daemons and its runner (row 231)`, async () => {
      const place = await make(worker());
      await startAndLeave(place);
      const second = await place.host(true);
      await second.api.send(command);
      const { attempts, state } = await place.task(second);
      assert.deepEqual([attempts[0]?.outcome, state], command.type === 'cancel' ? ['cancelled', 'failed'] : ['interrupted', 'implementing']);
      await place.gone();
    });
  }

  it('and goes again at once keeps the success of an agent that ended meanwhile', async () => {
    const place = await make(worker());
    await startAndLeave(place);
    place.go();
    await place.gone();
    let release = (): void => undefined;
    const closing = new Promise<void>((resolve) => (release = resolve));
    async function* late(messages: AsyncIterable<AgentMessage>): AsyncGenerator<AgentMessage> {
      await closing;
      yield* messages;
    }
    const second = await place.host(false, (ports) => ({
      ...ports,
      // The first thing that an engine that closes lets go of.
      sources: { ...ports.sources, watch: () => ({ dispose: () => void setImmediate(release) }) },
      runners: {
        ...ports.runners,
        adopt: async (attempt, directory) => {
          const found = await ports.runners.adopt(attempt, directory);
          assert.equal(found?.alive, false);
          return { ...found, session: { ...found.session, messages: late(found.session.messages) } };
        },
      },
    }));
    await second.close();
    const last = await place.host();
    const task = await place.until(last, 'the task is done', ({ state }) => state === 'done');
    assert.deepEqual(task.attempts.map(({ outcome }) => outcome), ['succeeded']);
    assert.equal(task.interruptions, 0);
  });

  it('finds an agent that was stopped because nobody came, and does its task again as an interrupted one', async () => {
    const place = await make(worker({ runner: { orphan_grace: '1s' } }));
    await startAndLeave(place);
    await place.gone();
    place.go();
    const second = await place.host();
    const task = await place.until(second, 'the task is done', ({ state }) => state === 'done');
    assert.deepEqual(task.attempts.map(({ outcome }) => outcome), ['interrupted', 'succeeded']);
    assert.equal(task.steps[0]?.attempt, 1, 'an interruption is not counted as an attempt');
  });

  it('takes to the agent what a human answered while no loop ran (row 249)', async () => {
    const server = await ModelServer.start();
    try {
      const command = await provisionClaude();
      const url = server.scenario('adopted', [{ tools: [{ tool: 'shell', command: 'node -e "require(\'fs\').writeFileSync(\'proof.txt\', \'1\')"' }] }, { text: 'Done.' }]);
      const place = await make((folder) => ({ agents: { claude: { driver: 'claude', command, env: claudeEnvironment(path.join(folder, 'home'), url) } }, roles: { implementer: 'claude' } }));
      const first = await place.host();
      await first.api.send({ type: 'start' });
      const asking = await place.until(first, 'the agent asks', ({ decisions }) => decisions.length > 0);
      await first.close();
      const answering = await place.host(true);
      await answering.api.send({ type: 'decide', task_id: 'one', decision_id: asking.decisions[0]?.id ?? '', verdict: 'approve', by: 'me', via: 'cli' });
      await answering.close();
      const last = await place.host();
      const task = await place.until(last, 'the task is done', ({ state }) => state === 'done');
      assert.deepEqual(task.attempts.map(({ outcome, session_id: id }) => [outcome, id]), [['succeeded', asking.attempts[0]?.session_id]]);
      assert.deepEqual(task.decisions.map(({ kind, status }) => [kind, status]), [['permission', 'answered']]);
      await place.gone();
    } finally {
      await server.close();
    }
  });
});
