import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { acquireLock } from '../../../src/adapters/leader/lock.ts';
import { openSession, type Session, type SessionOptions } from '../../../src/host/session.ts';
import { findRepository } from '../../../src/host/repositoryKey.ts';
import type { Snapshot } from '../../../src/shared/api.ts';
import { until } from '../../support/processes.ts';
import { smallEngine, systemClock } from '../leader/engine.ts';
import { rejectsWith } from '../store/conformance.ts';
import { memoryLog } from '../store/fixture.ts';

interface Said {
  readonly event: string;
  readonly id?: string;
  readonly role?: string;
  readonly root?: string;
  readonly error?: string;
  readonly kind?: string;
  readonly leader?: number;
  readonly seq?: number;
  readonly tasks?: readonly string[];
}

describe('sessions of several hosts on one repository', function () {
  this.timeout(60_000);
  let folder: string;
  let root: string;
  let runtimeDir: string;
  let participants: Participant[];
  const sessions: Session[] = [];

  beforeEach(() => {
    folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'baton-session-')));
    root = path.join(folder, 'repo');
    runtimeDir = path.join(folder, 'run');
    fs.mkdirSync(path.join(root, 'sub'), { recursive: true });
    fs.mkdirSync(runtimeDir);
    execFileSync('git', ['init', '-q'], { cwd: root });
    participants = [];
  });
  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.close()));
    await Promise.all(participants.map((participant) => participant.kill()));
    for (const participant of participants) assert.deepEqual(participant.said.filter(({ event }) => event === 'two leaders' || event === 'error'), []);
    fs.rmSync(folder, { recursive: true });
  });

  /** A host in its own process. */
  class Participant {
    readonly said: Said[] = [];
    readonly process: ChildProcessWithoutNullStreams;
    readonly #exited: Promise<void>;
    #lastId = 0;

    constructor(host: 'vscode' | 'cli', prefer: SessionOptions['prefer'], where = root) {
      this.process = spawn(process.execPath, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', path.resolve('test/adapters/host/participant.ts'), where, runtimeDir, host, prefer], { env: { ...process.env, BATON_MARK: '' } });
      let rest = '';
      this.process.stdout.on('data', (data) => {
        const lines = (rest + String(data)).split('\n');
        rest = lines.pop() ?? '';
        this.said.push(...lines.map((line) => JSON.parse(line) as Said));
      });
      this.process.stderr.on('data', (data) => process.stderr.write(String(data)));
      this.process.stdin.on('error', () => undefined);
      this.#exited = new Promise((resolve) => this.process.on('close', () => resolve()));
      participants.push(this);
    }

    get pid(): number {
      return this.process.pid ?? 0;
    }

    async heard(what: string, matches: (said: Said) => boolean): Promise<Said> {
      await until(what, () => this.said.some(matches), 20_000);
      return this.said.find(matches)!;
    }

    open(): Promise<Said> {
      return this.heard('the opening', ({ event }) => event === 'open' || event === 'failed');
    }

    /** Asks, and returns the request's id. */
    request(verb: 'add' | 'list', argument = ''): string {
      const id = String(++this.#lastId);
      this.process.stdin.write(`${verb} ${id} ${argument}\n`);
      return id;
    }

    answer(id: string): Promise<Said> {
      return this.heard(`the answer ${id}`, (said) => said.event === 'answer' && said.id === id);
    }

    ask(verb: 'add' | 'list', argument = ''): Promise<Said> {
      return this.answer(this.request(verb, argument));
    }

    async close(): Promise<void> {
      this.process.stdin.write('close\n');
      await this.#exited;
    }

    async kill(): Promise<void> {
      this.process.kill('SIGKILL');
      await this.#exited;
    }
  }

  describe('in processes of their own', () => {
    it('two windows and a command opened at once have one leader, see the same state, and their commands reach it (row 241)', async () => {
      const hosts = [new Participant('vscode', 'lead'), new Participant('vscode', 'lead', path.join(root, 'sub')), new Participant('cli', 'client-or-lead')];
      const opened = await Promise.all(hosts.map((host) => host.open()));
      assert.deepEqual(opened.map(({ role }) => role).sort(), ['client', 'client', 'leader']);
      assert.deepEqual(new Set(opened.map((said) => said.root)), new Set([root]));
      await Promise.all(hosts.map((host, index) => host.ask('add', `from-${index}`)));
      const lists = await Promise.all(hosts.map((host) => host.ask('list')));
      const leader = hosts[opened.findIndex(({ role }) => role === 'leader')];
      for (const list of lists) {
        assert.deepEqual([...(list.tasks ?? [])].sort(), ['from-0', 'from-1', 'from-2']);
        assert.equal(list.leader, leader?.pid);
      }
      // Both windows were shown it without asking.
      for (const window of hosts.slice(0, 2)) await window.heard('the complete picture', ({ event, tasks }) => event === 'snapshot' && tasks?.length === 3);
    });

    it('kill -9 of the leader, again and again: another takes over, nothing confirmed is lost, and there are never two (row 241)', async () => {
      const confirmed: string[] = [];
      const hosts = [new Participant('vscode', 'lead'), new Participant('vscode', 'lead'), new Participant('vscode', 'lead')];
      await Promise.all(hosts.map((host) => host.open()));
      for (let round = 0; round < 5; round++) {
        const { leader } = await hosts[0]!.ask('list');
        const index = hosts.findIndex(({ pid }) => pid === leader);
        assert.ok(index >= 0);
        // A command is under way in every host when the leader dies.
        const asked = hosts.map((host, number) => ({ host, name: `r${round}-h${number}`, id: host.request('add', `r${round}-h${number}`) }));
        await hosts[index]!.kill();
        for (const { host, name, id } of asked) {
          // What the dead one had said before is confirmed too.
          const answer = host === hosts[index] ? host.said.find((said) => said.event === 'answer' && said.id === id) : await host.answer(id);
          assert.ok(answer?.error === undefined || answer.error === 'leader_gone', answer?.error);
          if (answer !== undefined && answer.error === undefined) confirmed.push(name);
        }
        hosts[index] = new Participant('vscode', 'lead');
        await hosts[index].open();
        const lists = await Promise.all(hosts.map((host) => host.ask('list')));
        assert.equal(new Set(lists.map((list) => list.leader)).size, 1);
        assert.ok(hosts.some(({ pid }) => pid === lists[0]?.leader));
        for (const name of confirmed) assert.ok(lists.every(({ tasks }) => tasks?.includes(name)), `${name} was confirmed and is lost`);
      }
      for (const host of hosts) {
        const seqs = host.said.filter(({ event }) => event === 'snapshot').map(({ seq }) => seq ?? 0);
        assert.deepEqual(seqs, [...new Set(seqs)].sort((a, b) => a - b), 'snapshots are numbered upwards through every change of leader');
      }
      assert.equal(hosts.filter((host) => host.said.findLast(({ event }) => event === 'role' || event === 'open')?.role === 'leader').length, 1);
    });

    it('a window that was a client becomes the leader when the leader closes, and the pictures go on', async () => {
      const first = new Participant('vscode', 'lead');
      await first.open();
      const second = new Participant('vscode', 'lead');
      assert.equal((await second.open()).role, 'client');
      await first.ask('add', 'before');
      await second.heard('the picture of the first leader', ({ leader, tasks }) => leader === first.pid && tasks?.length === 1);
      await first.close();
      await second.heard('the change of role', ({ event, role }) => event === 'role' && role === 'leader');
      await second.heard('a picture of its own', ({ event, leader }) => event === 'snapshot' && leader === second.pid);
      assert.deepEqual((await second.ask('list')).tasks, ['before']);
    });

    it('a command without a leader leads itself, applies itself and lets go; its process ends (row 241)', async () => {
      const command = new Participant('cli', 'client-or-lead');
      assert.equal((await command.open()).role, 'leader');
      await command.ask('add', 'alone');
      await command.close();
      const next = new Participant('cli', 'client-or-lead');
      assert.equal((await next.open()).role, 'leader');
      assert.deepEqual((await next.ask('list')).tasks, ['alone']);
    });

    it('a host that may only be a client says that nobody leads, and follows from one leader to the next', async () => {
      const lonely = new Participant('cli', 'client-only');
      assert.deepEqual([(await lonely.open()).event, (await lonely.open()).kind], ['failed', 'leader_gone']);
      const first = new Participant('vscode', 'lead');
      await first.open();
      const follower = new Participant('cli', 'client-only');
      assert.equal((await follower.open()).role, 'client');
      await first.kill();
      const second = new Participant('vscode', 'lead');
      await second.open();
      await follower.heard('a picture of the second leader', ({ event, leader }) => event === 'snapshot' && leader === second.pid);
    });
  });

  describe('in one process', () => {
    async function open(change: Partial<SessionOptions> = {}): Promise<Session> {
      const log = memoryLog();
      const session = await openSession({ root, runtimeDir, host: 'vscode', prefer: 'lead', buildEngine: (repository) => smallEngine(repository, log), log, clock: systemClock, origin: { mark: null, ancestors: [] }, ...change });
      sessions.push(session);
      return session;
    }

    it('a question that the leader left unanswered is asked of the next; a command is not repeated', async () => {
      const never = new Promise<never>(() => undefined);
      let engineOfFirst: Awaited<ReturnType<typeof smallEngine>> | undefined;
      const first = await open({ buildEngine: async (repository) => (engineOfFirst = await smallEngine(repository, memoryLog())) });
      const second = await open();
      engineOfFirst!.api.changes = () => never;
      engineOfFirst!.api.send = () => never;
      const question = second.api.changes('x');
      const command = assert.rejects(second.api.send({ type: 'pause' }), rejectsWith('leader_gone'));
      await second.api.snapshot();
      await first.close();
      await command;
      assert.equal((await question).base_sha, 'x');
      assert.equal(second.role, 'leader');
      assert.equal((await second.api.send({ type: 'pause' })).message, 'pause');
    });

    it('whose engine cannot be built lets go of the lead and says why', async () => {
      const broken = (): Promise<never> => Promise.reject(new Error('no agents'));
      await assert.rejects(open({ buildEngine: broken }), /no agents/);
      const session = await open();
      assert.equal(session.role, 'leader');
    });

    it('a listener that throws disturbs neither the others nor the connection', async () => {
      const leader = await open();
      const client = await open();
      const seen: Snapshot[] = [];
      for (const session of [leader, client]) {
        session.api.onSnapshot(() => {
          throw new Error('a fault in a view');
        });
        session.api.onSnapshot((snapshot) => void seen.push(snapshot));
      }
      await client.api.snapshot();
      await client.api.send({ type: 'add_task', task: { id: 't1', goal: 'g' } });
      await until('both pictures', () => seen.length === 2);
      assert.equal((await client.api.snapshot()).tasks.length, 1);
    });

    it('consent is refused from below an attempt, also when its command would lead by itself', async () => {
      const session = await open({ host: 'cli', prefer: 'client-or-lead', origin: { mark: 'key/t1/a1', ancestors: [] } });
      assert.equal(session.role, 'leader');
      await session.api.send({ type: 'add_task', task: { id: 't1', goal: 'g' } });
      await assert.rejects(session.api.send({ type: 'decide', task_id: 't1', verdict: 'approve', by: 'agent', via: 'cli' }), rejectsWith('refused'));
    });

    it('a closed session answers nothing more, holds nothing, and may be closed twice', async () => {
      const session = await open();
      await session.close();
      await session.close();
      await assert.rejects(session.api.snapshot(), rejectsWith('leader_gone'));
      const { key } = await findRepository(root);
      const attempt = acquireLock(runtimeDir, key);
      assert.equal(attempt.kind, 'acquired');
      attempt.lock.release();
      assert.deepEqual(fs.readdirSync(runtimeDir), [`${key}.lock`]);
    });

    it('a leader that holds the lock and never answers is reported, not waited for without end', async () => {
      const { key } = await findRepository(root);
      const attempt = acquireLock(runtimeDir, key);
      assert.equal(attempt.kind, 'acquired');
      attempt.lock.publish({ pid: 4242, started_at: '2026-11-20T12:00:00.000Z', host: 'vscode', socket: path.join(runtimeDir, 'dead.sock'), token: 'x', root });
      let looks = 0;
      // Each look takes ten seconds.
      const clock = { now: () => 10_000 * looks++, after: (_: number, callback: () => void) => systemClock.after(1, callback) };
      await assert.rejects(open({ clock }), (error) => rejectsWith('leader_busy')(error) && /Process 4242 \(VS Code, since 2026/.test(String(error)));
      attempt.lock.release();
    });

    it('one that is closed while it looks for the next leader stops looking', async () => {
      const first = await open();
      const second = await open();
      let built = 0;
      const waiting = await open({ buildEngine: () => Promise.reject(new Error(`built ${++built}`)) });
      await Promise.all([first.close(), second.close()]);
      const { key } = await findRepository(root);
      let attempt = acquireLock(runtimeDir, key);
      await until('the lock', () => attempt.kind === 'acquired' || (attempt = acquireLock(runtimeDir, key)).kind === 'acquired');
      const question = assert.rejects(waiting.api.snapshot());
      await waiting.close();
      await question;
      const builtBefore = built;
      if (attempt.kind === 'acquired') attempt.lock.release();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(built, builtBefore);
      await assert.rejects(waiting.api.snapshot(), rejectsWith('leader_gone'));
    });
  });
});
