/** What VS Code itself says of the extension's activation, each time in a new extension host of the VS Code Server. */
import path from 'node:path';
import { build } from 'esbuild';
import { makeRepo } from '../../test/support/repo.ts';
import { keepTempDir } from '../../test/support/tmp.ts';
import { startServer } from '../../test/support/vscode/server.ts';
import { launchBrowser, windowUrl } from '../../test/support/vscode/workbench.ts';
import { median, spread, type Benchmark, type Row } from './row.ts';

const RUNS = 7;
const LOAD_BUDGET_MS = 30;
const CALL_BUDGET_MS = 50;
const TIMEOUT_MS = 120_000;
const PROBE = 'out/bench/probe.js';

interface Times {
  /** `require` of the extension's main file. */
  readonly load: number;
  /** The same of an extension of VS Code's own. */
  readonly peer: number;
  readonly column: number;
  readonly call: number;
}

export const activation: Benchmark = {
  about:
    'The extension of this build in the extension host of a VS Code Server, on a folder that is a small git repository, in a new window each time. Code load is the time between the marks that VS Code sets around the `require` of the main file; beside it the same of an extension of VS Code’s own that starts at the same event. Activation call is the column of “Developer: Startup Performance”. Its column “Load Code” starts for all extensions of an event at once, so that it counts those that are loaded before ours as well.',
  async run() {
    await build({ entryPoints: ['scripts/bench/probe.ts'], outfile: PROBE, bundle: true, platform: 'node', format: 'cjs', external: ['vscode'], logLevel: 'warning' });
    const temp = keepTempDir();
    try {
      const { root } = await makeRepo(undefined, path.join(temp.path, 'sample'));
      const times = await inWindows(root);
      const row = (name: string, part: keyof Times): Row => {
        const values = times.map((one) => one[part]);
        return { name, value: median(values), unit: 'ms', note: spread(values) };
      };
      return [
        { ...row('code load', 'load'), budget: LOAD_BUDGET_MS },
        row('code load, vscode.merge-conflict', 'peer'),
        row('column “Load Code”', 'column'),
        { ...row('activation call', 'call'), budget: CALL_BUDGET_MS },
      ];
    } finally {
      await temp.remove();
    }
  },
};

async function inWindows(folder: string): Promise<Times[]> {
  const server = await startServer();
  try {
    const browser = await launchBrowser();
    try {
      const times: Times[] = [];
      for (let run = 0; run < RUNS; run++) {
        const page = await browser.newPage();
        const said: string[] = [];
        await page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) => void said.push(args.join(' ')));
        let timer: NodeJS.Timeout | undefined;
        const ended = new Promise<void>((resolve, reject) => {
          void page.exposeFunction('codeAutomationExit', () => resolve());
          timer = setTimeout(() => reject(new Error('The window did not answer in time.')), TIMEOUT_MS);
        });
        await page.goto(windowUrl(server, folder, path.resolve(PROBE)));
        await ended.finally(() => clearTimeout(timer));
        const found = said.map((line) => /BENCH (\{.*\})/.exec(line)?.[1]).find((json) => json !== undefined);
        if (found === undefined) throw new Error(`VS Code told no times:\n${said.slice(-20).join('\n')}`);
        times.push(JSON.parse(found) as Times);
        await page.close();
      }
      return times;
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
  }
}
