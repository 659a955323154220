/** Debian's packages for the test parts, where this process is root. */
import { inTurn } from './cache.ts';
import { progress, run, which } from './tools.ts';

/** Whether this process may install system packages: root on Debian or a child of it. */
export function canApt(): boolean {
  return process.getuid?.() === 0 && which('apt-get') !== undefined;
}

/** Installs Debian packages. Suites that run side by side take turns: apt-get gives up where another one refreshes the lists. */
export async function apt(packages: readonly string[]): Promise<void> {
  const purpose = `install ${packages.join(', ')}`;
  const lock = ['-o', 'DPkg::Lock::Timeout=600'];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await inTurn('apt', async () => {
    progress(`apt-get install ${packages.join(' ')}`);
    await run('apt-get', [...lock, 'update'], { purpose: 'refresh the package lists', env });
    await run('apt-get', [...lock, 'install', '-y', '--no-install-recommends', ...packages], { purpose, env });
  });
}

/** Sees to it that native modules can be compiled. */
export async function requireBuildTools(): Promise<void> {
  const missing = () => ['make', 'g++', 'python3', 'git'].filter((tool) => which(tool) === undefined);
  const before = missing();
  if (before.length === 0) return;
  if (!canApt()) {
    throw new Error(
      `The VS Code Server for tests compiles two native modules and needs ${before.join(', ')}, which are not on PATH. ` +
        'Install them, on Debian: apt-get install build-essential python3 git',
    );
  }
  await apt(['build-essential', 'python3', 'git']);
  const after = missing();
  if (after.length > 0) throw new Error(`apt-get succeeded, yet ${after.join(', ')} are still not on PATH.`);
}
