/** What VS Code itself says of the extension's activation, each time in a new extension host of the VS Code Server. */
import path from 'node:path';
import { build } from 'esbuild';
import { makeRepo } from '../../test/support/repo.ts';
import { keepTempDir } from '../../test/support/tmp.ts';
import { startServer } from '../../test/support/vscode/server.ts';
import { launchBrowser, windowUrl } from '../../test/support/vscode/workbench.ts';
import { median, spread, type Benchmark } from './row.ts';

const RUNS = 7;
const LOAD_BUDGET_MS = 30;
const CALL_BUDGET_MS = 50;
const TIMEOUT_MS = 120_000;
const PROBE = 'out/bench/probe.js';

interface Times {
  readonly load: number;
  readonly call: number;
}

export const activation: Benchmark = {
  about:
    'The extension of this build in the extension host of a VS Code Server, on a folder that is a small git repository: the columns “Load Code” and “Call Activate” of VS Code’s own “Developer: Startup Performance”, in a new window each time.',
  async run() {
    await build({ entryPoints: ['scripts/bench/probe.ts'], outfile: PROBE, bundle: true, platform: 'node', format: 'cjs', external: ['vscode'], logLevel: 'warning' });
    const temp = keepTempDir();
    try {
      const { root } = await makeRepo(undefined, path.join(temp.path, 'sample'));
      const times = await inWindows(root);
      const load = times.map((one) => one.load);
      const call = times.map((one) => one.call);
      return [
        { name: 'code load', value: median(load), unit: 'ms', budget: LOAD_BUDGET_MS, note: spread(load) },
        { name: 'activation call', value: median(call), unit: 'ms', budget: CALL_BUDGET_MS, note: spread(call) },
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
