import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { dataDirectory, runtimeDirectory, socketPath, storeDirectory } from '../../../src/host/directories.ts';
import { findRepository } from '../../../src/host/repositoryKey.ts';
import { rejectsWith } from '../store/conformance.ts';

describe('where things are', () => {
  let folder: string;
  let main: string;
  const git = (cwd: string, ...args: string[]): void => void execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.com', '-c', 'protocol.file.allow=always', ...args], { cwd, stdio: 'ignore' });

  beforeEach(() => {
    folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'baton-repo-')));
    main = path.join(folder, 'my repo');
    fs.mkdirSync(path.join(main, 'sub', 'deep'), { recursive: true });
    git(main, 'init', '-q', '-b', 'main');
    git(main, 'commit', '-q', '--allow-empty', '-m', 'first');
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** PATH with a program of our own called git in front; gone after the action. */
  async function withGit(script: string | null, action: () => Promise<void>): Promise<void> {
    const bin = path.join(folder, 'bin');
    fs.mkdirSync(bin);
    if (script !== null) fs.writeFileSync(path.join(bin, 'git'), script, { mode: 0o755 });
    const before = process.env['PATH'];
    process.env['PATH'] = bin;
    try {
      await action();
    } finally {
      process.env['PATH'] = before;
    }
  }

  describe('a repository', () => {
    it('is the same from its main checkout, a subfolder, its git directory, a linked worktree and a link to it (row 241)', async () => {
      const linked = path.join(folder, 'linked');
      git(main, 'worktree', 'add', '-q', linked);
      fs.mkdirSync(path.join(linked, 'below'));
      fs.symlinkSync(main, path.join(folder, 'link'));
      const expected = await findRepository(main);
      assert.deepEqual([expected.root, expected.name, expected.commonDir], [main, 'my repo', path.join(main, '.git')]);
      assert.match(expected.key, /^[0-9a-f]{12}$/);
      for (const place of [path.join(main, 'sub', 'deep'), path.join(main, '.git'), linked, path.join(linked, 'below'), path.join(folder, 'link')]) {
        assert.deepEqual(await findRepository(place), expected, place);
      }
    });

    it('is another one than its clone', async () => {
      git(folder, 'clone', '-q', main, 'clone');
      assert.notEqual((await findRepository(path.join(folder, 'clone'))).key, (await findRepository(main)).key);
    });

    it('that is a submodule has its own checkout as root, seen from a worktree of it too', async () => {
      git(folder, 'clone', '-q', main, 'library');
      git(main, 'submodule', 'add', '-q', path.join(folder, 'library'), 'library');
      const submodule = path.join(main, 'library');
      const linked = path.join(folder, 'linked');
      git(submodule, 'worktree', 'add', '-q', linked);
      assert.equal((await findRepository(submodule)).root, submodule);
      assert.deepEqual(await findRepository(linked), await findRepository(submodule));
      assert.notEqual((await findRepository(submodule)).key, (await findRepository(main)).key);
    });

    it('with its git directory elsewhere is found from its checkout', async () => {
      git(folder, 'init', '-q', '--separate-git-dir', path.join(folder, 'elsewhere'), 'apart');
      assert.equal((await findRepository(path.join(folder, 'apart'))).root, path.join(folder, 'apart'));
    });

    it('is found although a git hook has set GIT_DIR to another one', async () => {
      git(folder, 'init', '-q', 'other');
      process.env['GIT_DIR'] = path.join(folder, 'other', '.git');
      try {
        assert.equal((await findRepository(main)).root, main);
      } finally {
        delete process.env['GIT_DIR'];
      }
    });

    it('that is bare is refused, from itself and from a worktree of it', async () => {
      git(folder, 'clone', '-q', '--bare', main, 'bare.git');
      git(path.join(folder, 'bare.git'), 'worktree', 'add', '-q', path.join(folder, 'tree'));
      for (const place of ['bare.git', 'tree']) {
        await assert.rejects(findRepository(path.join(folder, place)), (error) => rejectsWith('git')(error) && /bare/.test(String(error)));
      }
    });

    it('that is none is said to be none, with what to do', async () => {
      const none = path.join(folder, 'none');
      fs.mkdirSync(none);
      await assert.rejects(findRepository(none), { kind: 'git', message: `${none} is not in a git repository.`, hint: /git init/ });
      await assert.rejects(findRepository(path.join(folder, 'missing')), { kind: 'git' });
    });

    it('needs git, and one that is new enough', async function () {
      if (process.platform === 'win32') return void this.skip();
      await withGit(null, () => assert.rejects(findRepository(main), { kind: 'git', message: /not installed/ }));
      fs.rmSync(path.join(folder, 'bin'), { recursive: true });
      await withGit('#!/bin/sh\necho git version 2.37.9\n', () => assert.rejects(findRepository(main), { kind: 'git', message: /needs git 2\.38 or later; this is git version 2\.37\.9/ }));
    });
  });

  describe('the user\'s directories', () => {
    before(function () {
      if (process.platform === 'win32') this.skip();
    });

    it('for sockets and locks are private, and made so', () => {
      const directory = runtimeDirectory({ XDG_RUNTIME_DIR: path.join(folder, 'run') });
      assert.equal(directory, path.join(folder, 'run', 'baton'));
      fs.chmodSync(directory, 0o755);
      runtimeDirectory({ XDG_RUNTIME_DIR: path.join(folder, 'run') });
      assert.equal(fs.statSync(directory).mode & 0o777, 0o700);
    });

    it('for sockets and locks are not shared with whoever made them first', () => {
      fs.mkdirSync(path.join(folder, 'run'));
      fs.symlinkSync(folder, path.join(folder, 'run', 'baton'));
      assert.throws(() => runtimeDirectory({ XDG_RUNTIME_DIR: path.join(folder, 'run') }), rejectsWith('refused'));
    });

    it('for data follow XDG and ignore a relative path in it', function () {
      if (process.platform !== 'linux') return void this.skip();
      assert.equal(dataDirectory({ XDG_DATA_HOME: '/data' }), '/data/baton');
      assert.equal(dataDirectory({ XDG_DATA_HOME: 'relative' }), path.join(os.homedir(), '.local/share/baton'));
      assert.equal(storeDirectory('abc', { XDG_DATA_HOME: '/data' }), '/data/baton/stores/abc');
    });

    it('give a socket a path that the system can take, however long their own is', () => {
      assert.equal(socketPath(folder, 'abc', 'n'), path.join(folder, 'abc.sock'));
      const long = path.join(folder, 'x'.repeat(120));
      assert.ok(Buffer.byteLength(socketPath(long, 'abc', 'n')) <= 103);
    });
  });
});
