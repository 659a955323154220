/** The extension over the recorded snapshot, and repositories for it to open. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { makeRepo } from '../repo.ts';

export const EXTENSION = path.resolve('out/screenshots-extension');

/** Builds the extension with the engine of ./engine.ts in place of the real one. */
export async function buildExtension(): Promise<void> {
  rmSync(EXTENSION, { recursive: true, force: true });
  mkdirSync(EXTENSION, { recursive: true });
  cpSync('package.json', path.join(EXTENSION, 'package.json'));
  cpSync('media', path.join(EXTENSION, 'media'), { recursive: true });
  const common = { bundle: true, platform: 'node', format: 'cjs', target: 'node22', external: ['vscode'] as string[] } as const;
  const entryPoints = { extension: 'src/extension.ts', onDemand: 'src/vscode/onDemand.ts', engine: 'test/support/screenshots/engine.ts' };
  const outdir = path.join(EXTENSION, 'dist');
  await build({ ...common, entryPoints, outdir });
  await build({ bundle: true, platform: 'browser', format: 'iife', target: 'es2023', entryPoints: { webview: 'src/webview/main.ts' }, outdir });
}

/** A repository whose engine shows a scene: `all` for a task in every state, else a state in which there are no tasks. */
export async function repository(scene: string, root: string): Promise<string> {
  const repo = await makeRepo({ 'src/price.js': 'export function total(items) {\n  return Math.round(sum(items) * 100) / 100;\n}\n', 'src/old.js': 'export const legacy = true;\n', 'README.md': '# Shop\n' }, root);
  if (scene === 'not_in_use') return repo.root;
  await repo.git('checkout', '--quiet', '-b', 'baton/pricing-fix');
  await repo.git('rm', '--quiet', 'src/old.js');
  await repo.commit('Fix', { 'src/price.js': "import { halfEven } from './round.js';\n\nexport function total(items) {\n  return halfEven(sum(items), 2);\n}\n", 'src/round.js': 'export function halfEven(value, digits) {\n  const factor = 10 ** digits;\n  return Math.round(value * factor) / factor;\n}\n' });
  await repo.git('checkout', '--quiet', 'main');
  await repo.write({ '.baton/scene': scene });
  writeFileSync(path.join(repo.root, '.git/info/exclude'), '.baton\n');
  return repo.root;
}
