import assert from 'node:assert/strict';
import { BatonError } from '../../../src/core/errors.ts';
import { Repositories, type RepositoriesOptions } from '../../../src/vscode/repositories.ts';
import type { Located } from '../../../src/vscode/git.ts';
import { SnapshotEngine, SnapshotSession, snapshot, taskView } from '../../support/snapshotEngine.ts';

const NOW = Date.parse('2030-05-17T12:30:00.000Z');
const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A window over folders whose repositories are named by `where`. */
class Window {
  folders: string[] = [];
  trusted = true;
  inUse = true;
  failure: Error | undefined;
  readonly where: Record<string, Located> = {};
  readonly sessions: SnapshotSession[] = [];
  readonly repositories: Repositories;
  looks = 0;

  constructor(changes: Partial<RepositoriesOptions> = {}) {
    this.repositories = new Repositories({
      log: LOG,
      trusted: () => this.trusted,
      folders: () => this.folders,
      locate: (folder) => {
        this.looks += 1;
        return Promise.resolve(this.where[folder] ?? { state: 'not_repository' });
      },
      inUse: () => Promise.resolve(this.inUse),
      open: (root) => {
        if (this.failure !== undefined) return Promise.reject(this.failure);
        const session = new SnapshotSession(root, new SnapshotEngine(snapshot(NOW, [taskView('a', NOW)])));
        this.sessions.push(session);
        return Promise.resolve(session);
      },
      ...changes,
    });
  }

  async show(...folders: string[]): Promise<void> {
    this.folders = folders;
    await this.repositories.refresh();
  }
}

function inRepository(root: string): Located {
  return { state: 'repository', repository: { key: `${root}/.git`, root, name: root.slice(1) } };
}

describe('The repositories of a window', () => {
  it('are one session each, however many of their subfolders and worktrees are open (row 241)', async () => {
    const window = new Window();
    Object.assign(window.where, { '/shop': inRepository('/shop'), '/shop/src': inRepository('/shop'), '/trees/fix': inRepository('/shop'), '/api': inRepository('/api') });
    await window.show('/shop', '/shop/src', '/trees/fix', '/api');
    assert.deepEqual(window.sessions.map(({ root }) => root), ['/shop', '/api']);
    assert.deepEqual(window.repositories.all.map(({ folders }) => folders), [['/shop', '/shop/src', '/trees/fix'], ['/api']]);
  });

  it('are closed when their last folder leaves, and only then', async () => {
    const window = new Window();
    Object.assign(window.where, { '/shop': inRepository('/shop'), '/shop/src': inRepository('/shop') });
    await window.show('/shop', '/shop/src');
    await window.show('/shop/src');
    const [session] = window.sessions;
    assert.ok(session);
    assert.equal(session.closed, false);
    await window.show();
    assert.equal(window.sessions.filter(({ closed }) => closed).length, 1);
    assert.equal(session.api.listeners.size, 0);
    assert.deepEqual(window.repositories.all, []);
  });

  it('are not even looked at in Restricted Mode, and opened when trust is given', async () => {
    const window = new Window();
    window.where['/shop'] = inRepository('/shop');
    window.trusted = false;
    await window.show('/shop');
    assert.deepEqual([window.looks, window.sessions.length], [0, 0]);
    window.trusted = true;
    await window.repositories.refresh();
    assert.equal(window.sessions.length, 1);
  });

  it('are left alone until they have Baton’s files or the user asks for something', async () => {
    const window = new Window();
    window.where['/shop'] = inRepository('/shop');
    window.inUse = false;
    await window.show('/shop');
    assert.equal(window.sessions.length, 0);
    const [repository] = window.repositories.all;
    assert.ok(repository);
    await window.repositories.send(repository, { type: 'start' });
    assert.deepEqual(window.sessions.map(({ api }) => api.commands), [[{ type: 'start' }]]);
  });

  it('never look unused while they are about to be opened', async () => {
    const window = new Window();
    window.where['/shop'] = inRepository('/shop');
    const shown: string[] = [];
    window.repositories.onDidChange(() => {
      for (const { opening, snapshot: latest } of window.repositories.all) shown.push(latest !== undefined ? 'there' : opening !== undefined ? 'opening' : 'unused');
    });
    await window.show('/shop');
    assert.equal(shown.includes('unused'), false, shown.join(', '));
    assert.deepEqual([shown[0], shown.at(-1)], ['opening', 'there']);
  });

  it('open once when two ask at the same time', async () => {
    const window = new Window();
    window.where['/shop'] = inRepository('/shop');
    window.inUse = false;
    await window.show('/shop');
    const [repository] = window.repositories.all;
    assert.ok(repository);
    const [one, two] = await Promise.all([window.repositories.open(repository), window.repositories.open(repository)]);
    assert.equal(one, two);
    assert.equal(window.sessions.length, 1);
  });

  it('keep the latest snapshot and tell of each', async () => {
    const window = new Window();
    window.where['/shop'] = inRepository('/shop');
    await window.show('/shop');
    const [repository] = window.repositories.all;
    let told = 0;
    const listening = window.repositories.onDidChange(() => (told += 1));
    window.sessions[0]?.api.show(snapshot(NOW + 1000, []));
    assert.equal(repository?.snapshot?.tasks.length, 0);
    window.sessions[0]?.api.show(snapshot(NOW, [taskView('late', NOW)]));
    assert.equal(repository.snapshot.tasks.length, 0, 'an older picture never replaces a newer one');
    listening.dispose();
    assert.equal(told, 1);
  });

  it('remember why they could not be opened, and try again when looked at again', async () => {
    const window = new Window();
    window.where['/shop'] = inRepository('/shop');
    window.failure = new BatonError('store', 'The disk is full.');
    await window.show('/shop');
    assert.equal(window.repositories.all[0]?.failure?.message, 'The disk is full.');
    window.failure = undefined;
    await window.repositories.refresh();
    assert.equal(window.repositories.all[0].failure, undefined);
    assert.equal(window.sessions.length, 1);
  });

  it('remember it also when opening throws at once, as when the engine’s file is broken', async () => {
    let broken = true;
    const window = new Window({
      open: (root) => {
        if (broken) throw new Error('Unexpected end of input');
        return Promise.resolve(new SnapshotSession(root, new SnapshotEngine(snapshot(NOW, []))));
      },
    });
    window.where['/shop'] = inRepository('/shop');
    await window.show('/shop');
    const [shop] = window.repositories.all;
    assert.match(shop?.failure?.message ?? '', /Unexpected end/);
    broken = false;
    await window.show('/shop');
    assert.ok(shop?.session);
  });

  it('are all let go on close, one that is just opening included', async () => {
    let release: (session: SnapshotSession) => void = () => undefined;
    const late = new Promise<SnapshotSession>((done) => (release = done));
    let askedFor: () => void = () => undefined;
    const asked = new Promise<void>((done) => (askedFor = done));
    const window = new Window({
      open: () => {
        askedFor();
        return late;
      },
    });
    window.where['/shop'] = inRepository('/shop');
    window.folders = ['/shop'];
    const looking = window.repositories.refresh();
    await asked;
    const session = new SnapshotSession('/shop', new SnapshotEngine(snapshot(NOW)));
    const closing = window.repositories.close();
    release(session);
    await Promise.all([looking, closing]);
    assert.equal(session.closed, true);
    assert.equal(session.api.listeners.size, 0);
  });

  it('are found by any file in them, the innermost first', async () => {
    const window = new Window();
    Object.assign(window.where, { '/shop': inRepository('/shop'), '/shop/vendor/lib': inRepository('/shop/vendor/lib') });
    await window.show('/shop', '/shop/vendor/lib');
    assert.equal(window.repositories.containing('/shop/src/a.js')?.root, '/shop');
    assert.equal(window.repositories.containing('/shop/vendor/lib/a.js')?.root, '/shop/vendor/lib');
    assert.equal(window.repositories.containing('/shopping/a.js'), undefined);
  });
});
