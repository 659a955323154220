'use strict';
/*
 * Builds everything that ships (dist/) and, with --tests, the suite that runs inside the extension host (out/test/host/).
 *
 *   node esbuild.js [--tests] [--watch] [--no-minify] [--no-sourcemap]
 *
 * out/meta.json holds esbuild's metafile of the last complete build.
 */
const esbuild = require('esbuild');
const fs = require('node:fs');
const path = require('node:path');

const ROOT = __dirname;
const KIB = 1024;

/** The oldest extension host that package.json admits runs Node 22. */
const NODE = {
  platform: 'node',
  format: 'cjs',
  target: 'node22',
  mainFields: ['module', 'main'],
  // The same code as ES modules: what is not used falls away, which its CommonJS files do not allow.
  alias: { yaml: path.join(ROOT, 'node_modules/yaml/browser/dist/index.js'), debug: path.join(ROOT, 'scripts/silentDebug.cjs') },
};
const BROWSER = { platform: 'browser', format: 'iife', target: 'es2023', loader: { '.ttf': 'file' }, assetNames: '[name]' };

/**
 * `vscode` as one ES module with the names that our files use. Left to esbuild, each file's `import * as vscode` copies all four hundred names of
 * the API when the extension is loaded, which took longer than everything else that is done then.
 */
const VSCODE = {
  name: 'vscode',
  setup(build) {
    const api = 'vscode-api';
    build.onResolve({ filter: /^vscode$/ }, ({ namespace }) => (namespace === api ? { path: 'vscode', external: true } : { path: 'vscode', namespace: api }));
    build.onLoad({ filter: /^vscode$/, namespace: api }, () => {
      const files = fs.globSync(['src/extension.ts', 'src/vscode/**/*.ts'], { cwd: ROOT });
      const texts = files.map((file) => ({ file, text: fs.readFileSync(path.join(ROOT, file), 'utf8').replace(/^import .*$/gm, '') }));
      const names = new Set(texts.flatMap(({ text }) => [...text.matchAll(/\bvscode\.(\w+)/g)].map((match) => match[1])));
      const odd = texts.find(({ text }) => /(?<![\w'"./-])vscode(?![\w'"./-])/.test(text));
      if (odd !== undefined) return { errors: [{ text: `${odd.file} uses vscode other than as vscode.NAME, by which its names are found.` }] };
      return { contents: `const api = require('vscode');\nexport const { ${[...names].sort().join(', ')} } = api;` };
    });
  },
};

/** What settings mean is for their JSON Schemas, which are generated from the source: the engine has no use for eight kilobytes of it. */
const NO_DESCRIPTIONS = {
  name: 'no-descriptions',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/]core[\\/](config[\\/]schema|task|scheduleSchema)\.ts$/ }, ({ path: file }) => {
      const contents = fs.readFileSync(file, 'utf8').replace(/\s*\.describe\(\s*(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`[^`$]*`),?\s*\)/g, '');
      if (contents.includes('.describe(')) return { errors: [{ text: `${file} describes something with more than a plain text, which is not taken out.` }] };
      return { contents, loader: 'ts' };
    });
  },
};

/**
 * One entry a process or thread, and three for the extension: what activation needs, what commands need, the engine. Only the
 * first two may know VS Code: no other entry has the plugin for it, so that a stray import breaks the build.
 */
const ENTRIES = [
  { out: 'extension', source: 'src/extension.ts', limit: 60 * KIB, ...NODE, plugins: [VSCODE] },
  { out: 'onDemand', source: 'src/vscode/onDemand.ts', ...NODE, plugins: [VSCODE] },
  { out: 'engine', source: 'src/host/index.ts', limit: 700 * KIB, ...NODE, plugins: [NO_DESCRIPTIONS] },
  { out: 'cli', source: 'src/cli/main.ts', ...NODE, banner: { js: '#!/usr/bin/env node' } },
  { out: 'runner', source: 'src/adapters/runner/main.ts', limit: 150 * KIB, ...NODE },
  // Loaded by engine and command line where a repository has schedules.
  { out: 'cron', source: 'src/core/cron.ts', ...NODE },
  { out: 'monitoring', source: 'src/adapters/http/server.ts', ...NODE },
  { out: 'telemetry', source: 'src/adapters/telemetry/telemetry.ts', ...NODE },
  { out: 'storeWorker', source: 'src/adapters/store/worker.ts', ...NODE },
  { out: 'webview', source: 'src/webview/main.ts', limit: 120 * KIB, ...BROWSER },
];

function options(entry, flags) {
  const { out, source, limit: _limit, ...rest } = entry;
  return {
    absWorkingDir: ROOT,
    entryPoints: { [out]: source },
    outdir: 'dist',
    bundle: true,
    minify: flags.minify,
    sourcemap: flags.sourcemap ? 'linked' : false,
    legalComments: 'none',
    metafile: true,
    logLevel: 'info',
    ...rest,
  };
}

/** Each test file is a bundle of its own, found and run by index.js; mocha itself comes from node_modules. */
function testOptions(flags) {
  const files = fs.globSync('test/host/**/*.ts', { cwd: ROOT }).map((file) => file.split(path.sep).join('/'));
  return {
    absWorkingDir: ROOT,
    entryPoints: files,
    outbase: 'test',
    outdir: 'out/test',
    bundle: true,
    sourcemap: flags.sourcemap ? 'inline' : false,
    metafile: true,
    logLevel: 'info',
    ...NODE,
    external: ['vscode', 'mocha'],
  };
}

const present = (entry) => fs.existsSync(path.join(ROOT, entry.source));

/** Builds once. Warnings are errors: they announce code that breaks only when it is run. Throws when anything is wrong. */
async function build(flags) {
  fs.rmSync(path.join(ROOT, 'dist'), { recursive: true, force: true });
  const results = await Promise.all(ENTRIES.filter(present).map((entry) => esbuild.build(options(entry, flags))));
  if (flags.tests) {
    fs.rmSync(path.join(ROOT, 'out/test'), { recursive: true, force: true });
    await esbuild.build(testOptions(flags));
  }
  const warnings = results.reduce((sum, result) => sum + result.warnings.length, 0);
  if (warnings > 0) throw new Error(`The build gave ${warnings} warning(s), shown above.`);
  const metafile = {
    inputs: Object.assign({}, ...results.map((result) => result.metafile.inputs)),
    outputs: Object.assign({}, ...results.map((result) => result.metafile.outputs)),
  };
  fs.mkdirSync(path.join(ROOT, 'out'), { recursive: true });
  fs.writeFileSync(path.join(ROOT, 'out/meta.json'), JSON.stringify(metafile));
  const cli = path.join(ROOT, 'dist/cli.js');
  if (fs.existsSync(cli)) fs.chmodSync(cli, 0o755);
}

async function watch(flags) {
  const all = ENTRIES.filter(present).map((entry) => options(entry, flags));
  if (flags.tests) all.push(testOptions(flags));
  for (const each of all) await (await esbuild.context(each)).watch();
}

/** Sizes of the built files against their limits, in bytes. A file that was not built has 0 bytes and is not within its limit. */
function bundleSizes() {
  return ENTRIES.filter((entry) => entry.limit !== undefined).map(({ out, limit }) => {
    const file = path.join(ROOT, 'dist', `${out}.js`);
    const bytes = fs.existsSync(file) ? fs.statSync(file).size : 0;
    return { file: `dist/${out}.js`, bytes, limit, ok: bytes > 0 && bytes <= limit };
  });
}

module.exports = { build, bundleSizes, ENTRIES };

if (require.main === module) {
  const given = process.argv.slice(2);
  const flags = {
    tests: given.includes('--tests'),
    minify: !given.includes('--no-minify') && !given.includes('--watch'),
    sourcemap: !given.includes('--no-sourcemap'),
  };
  const work = given.includes('--watch') ? watch(flags) : build(flags);
  work.catch((error) => {
    // esbuild has printed its own errors already.
    if (!Array.isArray(error.errors)) console.error(error.message);
    process.exitCode = 1;
  });
}
