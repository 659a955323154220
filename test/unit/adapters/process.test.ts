import assert from 'node:assert/strict';
import { mergeEnvironment } from '../../../src/adapters/process/environment.ts';
import { Tree } from '../../../src/adapters/process/kill.ts';
import { parseEnviron, parsePsMarks } from '../../../src/adapters/process/mark.ts';
import { shimTarget } from '../../../src/adapters/process/program.ts';
import { output, parseLinuxStat, parsePsTable, parseWindowsTable, readTable } from '../../../src/adapters/process/table.ts';

describe('the process table of each platform', () => {
  it('reads a Linux stat line whose command name holds parentheses and spaces', () => {
    const stat = '4711 (a) b (c) S 1 4700 4600 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 0 0';
    assert.deepEqual(parseLinuxStat(stat, 'boot'), { pid: 4711, ppid: 1, pgid: 4700, sid: 4600, started: 'boot/987654' });
  });

  it('takes Linux zombies for ended', () => {
    assert.equal(parseLinuxStat('4711 (sh) Z 1 4700 4600 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 0 0', 'boot'), undefined);
  });

  it('reads the table of ps on macOS, without zombies', () => {
    const text = '    1     0     1 Ss   Mon Nov 16 09:00:00 2026\n  501     1   501 S+   Fri Nov 20 10:01:02 2026    \n  502   501   501 Z    Fri Nov 20 10:01:03 2026\n';
    assert.deepEqual(parsePsTable(text), [
      { pid: 1, ppid: 0, pgid: 1, sid: null, started: 'Mon Nov 16 09:00:00 2026' },
      { pid: 501, ppid: 1, pgid: 501, sid: null, started: 'Fri Nov 20 10:01:02 2026' },
    ]);
  });

  it('reads the table that PowerShell prints', () => {
    assert.deepEqual(parseWindowsTable('4 0 \r\n812 4 638993052012345678\r\n'), [
      { pid: 4, ppid: 0, pgid: null, sid: null, started: '' },
      { pid: 812, ppid: 4, pgid: null, sid: null, started: '638993052012345678' },
    ]);
  });

  it('is read again when the helper program failed, and never taken for an empty machine', async () => {
    const own = ` ${process.pid} 1 ${process.pid} S Mon Nov 16 09:00:00 2026\n`;
    const answers = ['', ' 1 0 1 Ss Mon Nov 16 09:00:00 2026\n', own];
    assert.deepEqual((await readTable(() => Promise.resolve(answers.shift() ?? ''), parsePsTable)).map(({ pid }) => pid), [process.pid]);
    await assert.rejects(readTable(() => Promise.resolve(''), parsePsTable), { kind: 'internal', message: /could not be listed/, hint: /ps/ });
  });

  it('is what the ps of this machine prints, this process in it', async function () {
    if (process.platform === 'win32') this.skip();
    const read = (): Promise<string> => output('ps', ['-p', `1,${process.pid}`, '-o', 'pid=,ppid=,pgid=,stat=,lstart=']);
    if ((await read()) === '') this.skip();
    assert.ok((await readTable(read, parsePsTable)).some(({ pid }) => pid === process.pid));
  });

  it('asks for times in UTC, so that a start time stays the same wherever the machine travels', async function () {
    if (process.platform === 'win32') this.skip();
    const before = process.env['TZ'];
    process.env['TZ'] = 'Asia/Tokyo';
    try {
      assert.equal((await output('date', ['+%z'])).trim(), '+0000');
    } finally {
      if (before === undefined) delete process.env['TZ'];
      else process.env['TZ'] = before;
    }
  });

  it('finds the mark in an environment, first, last or in the middle, and no variable that only ends alike', () => {
    assert.equal(parseEnviron('BATON_MARK=a/b\0X=1\0'), 'a/b');
    assert.equal(parseEnviron('X=1\0BATON_MARK=a/b\0'), 'a/b');
    assert.equal(parseEnviron('X=1\0BATON_MARK=a/b'), 'a/b');
    assert.equal(parseEnviron('NOT_BATON_MARK=a\0X=1\0'), undefined);
  });

  it('finds the marks in the listing of ps eww', () => {
    assert.deepEqual(parsePsMarks('  501 node x.js HOME=/Users/a BATON_MARK=k/t/a1 PATH=/bin\n  502 vi NOT_BATON_MARK=x\n'), [[501, 'k/t/a1']]);
  });
});

describe('a tree whose root has ended', () => {
  const one = (pid: number, ppid: number, started: string) => ({ pid, ppid, pgid: null, sid: null, started });

  it('still has the children that name it, as on Windows, where an orphan keeps its parent’s id', () => {
    const tree = new Tree({ pid: 812, started: '5' }, true);
    assert.deepEqual(tree.update([one(4, 0, '1'), one(900, 812, '7'), one(901, 900, '8')], new Set()).map(({ pid }) => pid), [900, 901]);
  });

  it('has none of a stranger’s that was given its id', () => {
    const tree = new Tree({ pid: 812, started: '5' }, true);
    assert.deepEqual(tree.update([one(4, 0, '1'), one(812, 4, '9'), one(902, 812, '10')], new Set()), []);
  });
});

describe('the environment of a child', () => {
  it('leaves out what is meant for the host alone', () => {
    const base = { PATH: '/bin', ELECTRON_RUN_AS_NODE: '1', VSCODE_PID: '1', CLAUDECODE: '1', GIT_DIR: '.git', GIT_AUTHOR_NAME: 'A', BATON_MARK: 'outer', CLAUDE_CONFIG_DIR: '/c' };
    assert.deepEqual(mergeEnvironment(base, [{ BATON_ROLE: 'x' }], false), { PATH: '/bin', GIT_AUTHOR_NAME: 'A', CLAUDE_CONFIG_DIR: '/c', BATON_ROLE: 'x' });
  });

  it('lets the last layer win, and on Windows regardless of case', () => {
    assert.deepEqual(mergeEnvironment({ Path: 'a' }, [{ PATH: 'b' }, { PATH: 'c' }], true), { Path: 'c' });
    assert.deepEqual(mergeEnvironment({ Path: 'a' }, [{ PATH: 'b' }], false), { Path: 'a', PATH: 'b' });
  });
});

describe('a Windows shim', () => {
  it('of npm leads to the script or program behind it', () => {
    const npm = '@ECHO off\r\nGOTO start\r\n:find_dp0\r\nSET dp0=%~dp0\r\nEXIT /b\r\n:start\r\nSETLOCAL\r\nCALL :find_dp0\r\n\r\nIF EXIST "%dp0%\\node.exe" (\r\n  SET "_prog=%dp0%\\node.exe"\r\n) ELSE (\r\n  SET "_prog=node"\r\n)\r\n\r\nendLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & "%_prog%"  "%dp0%\\node_modules\\@openai\\codex\\bin\\codex.js" %*\r\n';
    assert.equal(shimTarget(npm, 'C:\\npm'), 'C:\\npm\\node_modules\\@openai\\codex\\bin\\codex.js');
    const native = '@ECHO off\r\n"%~dp0\\node_modules\\@anthropic-ai\\claude-code\\bin\\claude.exe" %*\r\n';
    assert.equal(shimTarget(native, 'C:\\npm'), 'C:\\npm\\node_modules\\@anthropic-ai\\claude-code\\bin\\claude.exe');
    assert.equal(shimTarget('@echo off\r\necho hi\r\n', 'C:\\npm'), undefined);
  });
});
