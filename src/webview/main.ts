/** The dashboard's page: draws each picture as it comes and says what was chosen. It knows no state of its own. */
import type { HostMessage, WebviewMessage } from '../shared/dashboard.ts';
import { dashboard } from './dashboard.ts';
import { patch } from './dom.ts';

/** What VS Code gives to a webview's page. */
declare function acquireVsCodeApi(): { postMessage(message: WebviewMessage): void };

const host = acquireVsCodeApi();
let seq = 0;

// VS Code lets nobody but the extension's host send messages here.
window.addEventListener('message', ({ data }: MessageEvent<HostMessage>) => {
  const main = document.getElementById('dashboard');
  if (main === null || data.seq <= seq) return;
  seq = data.seq;
  const focused = document.activeElement;
  patch(main, dashboard(data.view));
  // An element that moved has lost the focus on the way.
  if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
});

document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLElement>('button[data-message]') : null;
  const message = button?.dataset['message'];
  if (message !== undefined) host.postMessage(JSON.parse(message) as WebviewMessage);
});

host.postMessage({ type: 'ready' });
