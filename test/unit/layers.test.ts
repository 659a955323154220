import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** What each part of src may import, itself included. `vscode` and `node` stand for VS Code's API and Node's modules. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  shared: ['core', 'shared'],
  engine: ['core', 'shared', 'engine'],
  adapters: ['core', 'shared', 'engine', 'adapters', 'node'],
  host: ['core', 'shared', 'engine', 'adapters', 'host', 'node'],
  cli: ['core', 'shared', 'engine', 'adapters', 'host', 'cli', 'node'],
  vscode: ['core', 'shared', 'engine', 'adapters', 'host', 'vscode', 'node'],
  webview: ['shared', 'webview'],
  // extension.ts, the composition root
  '.': ['core', 'shared', 'engine', 'adapters', 'host', 'vscode', 'node'],
};

/** Packages that a layer free of Node may use: they run anywhere. */
const PURE_PACKAGES = ['croner', 'zod', 'yaml', 'picomatch'];
const PURE_LAYERS = ['core', 'shared', 'engine'];

/** The manifest is data of the whole product, of no layer. */
const MANIFEST = '../../package.json';

interface Import {
  readonly file: string;
  readonly from: string;
  readonly specifier: string;
}

const imports = sources().flatMap(importsOf);

describe('the layers', () => {
  it('are all known here', () => {
    const found = new Set(sources().map(layerOf));
    assert.deepEqual([...found].filter((layer) => !(layer in MAY_IMPORT)), []);
  });

  for (const [layer, allowed] of Object.entries(MAY_IMPORT)) {
    it(`${layer === '.' ? 'extension.ts' : layer} imports ${allowed.join(', ')} only`, () => {
      const wrong = imports.filter((each) => each.from === layer && !allowed.includes(targetOf(each)) && targetOf(each) !== 'package');
      assert.deepEqual(wrong.map(describeImport), []);
    });
  }

  it('core, shared and engine use no package that needs Node', () => {
    const wrong = imports.filter(
      (each) => PURE_LAYERS.includes(each.from) && targetOf(each) === 'package' && !PURE_PACKAGES.includes(each.specifier.split('/')[0] ?? ''),
    );
    assert.deepEqual(wrong.map(describeImport), []);
  });

  // The types of `ports.ts` have no inside, and an emitter is nobody's state.
  it('what people see knows the engine by its commands and snapshots only, never its inside (row 118)', () => {
    const open = /engine\/(?:ports|emitter)\.ts$/;
    const wrong = imports.filter((each) => ['cli', 'vscode', 'webview'].includes(each.from) && targetOf(each) === 'engine' && !open.test(each.specifier));
    assert.deepEqual(wrong.map(describeImport), []);
  });

  it('core and engine take time and chance from nowhere but their ports', () => {
    const impure = /\b(?:Date\.now\(|new Date\(\)|Math\.random\(|crypto\.randomUUID\(|setTimeout\(|setInterval\(|process\.)/;
    const wrong = sources()
      .filter((file) => ['core', 'engine'].includes(layerOf(file)))
      .flatMap((file) => withoutComments(file).split('\n').filter((line) => impure.test(line)).map((line) => `${file}: ${line.trim()}`));
    assert.deepEqual(wrong, []);
  });
});

function sources(): string[] {
  return globSync('src/**/*.{ts,tsx}').map((file) => file.split(path.sep).join('/'));
}

function layerOf(file: string): string {
  const [, first = ''] = file.split('/');
  return file.split('/').length > 2 ? first : '.';
}

/** Static, type-only and dynamic imports, re-exports and requires. */
function importsOf(file: string): Import[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true);
  return importedFiles.filter(({ fileName }) => fileName !== MANIFEST).map(({ fileName }) => ({ file, from: layerOf(file), specifier: fileName }));
}

function targetOf({ file, specifier }: Import): string {
  if (specifier === 'vscode') return 'vscode';
  if (specifier.startsWith('node:')) return 'node';
  if (!specifier.startsWith('.')) return 'package';
  // Bundles that are loaded beside the importing one; their sources are checked on their own.
  if (specifier === './engine.js') return 'host';
  return layerOf(path.posix.join(path.posix.dirname(file), specifier));
}

function describeImport({ file, specifier }: Import): string {
  return `${file} imports ${specifier}`;
}

function withoutComments(file: string): string {
  return readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}
