/** The dashboard's page in a browser without VS Code around it: for measuring it, and for looking at it quickly. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import type { DashboardView, WebviewMessage } from '../../src/shared/dashboard.ts';

export interface DashboardPage {
  readonly page: Page;
  /** Gives the page a picture; resolves with the milliseconds until the browser has painted it. */
  show(view: DashboardView): Promise<number>;
  /** What the page has said so far. */
  messages(): Promise<WebviewMessage[]>;
}

/** A stand-in for VS Code's colours, where no real theme is given: `--vscode-…` by name. */
const COLOURS = '--vscode-foreground: #ccc; --vscode-descriptionForeground: #999; --vscode-editor-background: #1f1f1f; --vscode-font-family: sans-serif; --vscode-font-size: 13px; --vscode-font-weight: normal;';

/** `dist/webview.js` must have been built. */
export async function openDashboardPage(browser: Browser, size: { readonly width: number; readonly height: number }, theme = { style: COLOURS, body: 'vscode-dark' }): Promise<DashboardPage> {
  const page = await browser.newPage({ viewport: size });
  await page.setContent(`<!DOCTYPE html><html lang="en" style="${theme.style.replaceAll('"', '&quot;')}"><head><style>${readFileSync('media/dashboard.css', 'utf8')}</style></head><body class="${theme.body}"><main id="dashboard"></main></body></html>`);
  await page.evaluate(`window.said = []; window.acquireVsCodeApi = () => ({ postMessage: (message) => window.said.push(message), getState: () => undefined, setState: () => undefined })`);
  await page.addScriptTag({ content: readFileSync('dist/webview.js', 'utf8') });
  let seq = 0;
  return {
    page,
    show: (view) => {
      seq += 1;
      // What is posted within a frame is handled once that frame is painted.
      return page.evaluate(
        (message) => {
          const scope = globalThis as unknown as { requestAnimationFrame(callback: () => void): void; dispatchEvent(event: Event): void };
          return new Promise<number>((resolve) => {
            scope.requestAnimationFrame(() => {
              const begun = performance.now();
              scope.dispatchEvent(new MessageEvent('message', { data: message }));
              const painted = new MessageChannel();
              painted.port1.addEventListener('message', () => resolve(performance.now() - begun));
              painted.port1.start();
              painted.port2.postMessage(undefined);
            });
          });
        },
        { type: 'snapshot', seq, view } as const,
      );
    },
    messages: () => page.evaluate('window.said'),
  };
}
