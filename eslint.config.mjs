// The rules that a reviewer would otherwise have to repeat, layers included.
import tseslint from 'typescript-eslint';

/** Imports that a layer must not make: core <- shared <- engine <- adapters <- host <- {vscode, cli}; webview sees shared only. */
const forbid = (files, patterns) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns: patterns.map(([group, message]) => ({ group, message })) }] },
});
const above = (...layers) => layers.flatMap((layer) => [`**/${layer}/**`]);
const VSCODE = [['vscode'], 'Only src/vscode and src/extension.ts may know VS Code.'];
const NODE = [['node:*'], 'core, shared and engine are free of Node: hand the capability in as a port.'];

/** Named: a project service, which looks for each file's own as an editor does, takes longer for the same findings. */
const PROJECTS = ['tsconfig.json', 'src/webview/tsconfig.json'];

export default tseslint.config(
  { ignores: ['dist/', 'out/', 'coverage/', 'node_modules/', '.vscode-test/', '**/fixtures/**', 'media/'] },
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { project: PROJECTS, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      'no-console': 'error',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
    },
  },
  forbid(['src/core/**/*.ts'], [VSCODE, NODE, [above('shared', 'engine', 'adapters', 'host', 'cli'), 'core is the lowest layer.']]),
  forbid(['src/shared/**/*.ts'], [VSCODE, NODE, [above('engine', 'adapters', 'host', 'cli'), 'shared may use core only.']]),
  forbid(['src/engine/**/*.ts'], [VSCODE, NODE, [above('adapters', 'host', 'cli'), 'The engine knows ports, not their makers.']]),
  forbid(['src/adapters/**/*.ts'], [VSCODE, [above('host', 'cli'), 'Adapters do not know hosts.']]),
  forbid(['src/host/**/*.ts', 'src/cli/**/*.ts'], [VSCODE]),
  { files: ['src/cli/**/*.ts', 'scripts/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'error', 'no-console': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
