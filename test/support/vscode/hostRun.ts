/** Runs the suites of test/host inside the extension host of the VS Code Server. */
import path from 'node:path';
import { format } from 'node:util';
import { keepTempDir } from '../tmp.ts';
import { makeRepo } from '../repo.ts';
import { HOST_MARK, RESULTS_VARIABLE } from '../reporter.ts';
import { ROOT } from './cache.ts';
import { startServer, type ServerOptions } from './server.ts';
import { launchBrowser, windowUrl } from './workbench.ts';

const TIMEOUT_MS = 10 * 60_000;
const CHATTER_LINES = 100;

export interface HostRunOptions extends ServerOptions {
  /** Folder to open; a small new repository by default. */
  readonly folder?: string;
  /** The bundled module that exports `run`. */
  readonly testsPath?: string;
  /** Where the counts go. */
  readonly results: string;
}

/** Resolves with the exit code that VS Code gives: 0 when every test passed. Prints mocha's report; the rest of the host's console only after a failure. */
export async function runInHost(options: HostRunOptions): Promise<number> {
  const temp = keepTempDir();
  const chatter: string[] = [];
  const folder = options.folder ?? (await makeRepo(undefined, path.join(temp.path, 'sample'))).root;
  const server = await startServer({ extension: ROOT, ...options, env: { ...options.env, [RESULTS_VARIABLE]: path.resolve(options.results) } });
  try {
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) => {
        for (const line of format(...args).split('\n')) {
          if (line.startsWith(HOST_MARK)) process.stdout.write(`${line.slice(HOST_MARK.length)}\n`);
          else chatter.push(line);
        }
      });
      let timer: NodeJS.Timeout | undefined;
      const ended = new Promise<number>((resolve, reject) => {
        void page.exposeFunction('codeAutomationExit', resolve);
        page.once('crash', () => reject(new Error('The browser page crashed.')));
        const why = 'The suite did not end within 10 minutes. The server printed:\n';
        timer = setTimeout(() => reject(new Error(why + server.log())), TIMEOUT_MS);
      });
      const tests = options.testsPath ?? path.join(ROOT, 'out/test/host/index.js');
      await page.goto(windowUrl(server, folder, tests));
      const code = await ended.finally(() => clearTimeout(timer));
      if (code !== 0) process.stdout.write(`What VS Code said besides:\n${chatter.slice(-CHATTER_LINES).join('\n')}\n`);
      return code;
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
    await temp.remove();
  }
}
