/** Runs test/host in the extension host of the VS Code Server. Counts go to BATON_TEST_RESULTS, or out/results/host.json. */
import { runInHost } from '../test/support/vscode/hostRun.ts';

process.exitCode = await runInHost({ results: process.env['BATON_TEST_RESULTS'] ?? 'out/results/host.json' });
