/** The dashboard's page: draws each picture as it comes and says what was chosen. All it keeps is the window of its charts. */
import { CHART_WINDOWS, type ChartWindow, type HostMessage, type WebviewMessage } from '../shared/dashboard.ts';
import { dashboard } from './dashboard.ts';
import { patch } from './dom.ts';
import { listenForScrolling, rowHeights } from './queueTable.ts';
import { keepReading, listenForReading } from './readout.ts';

/** What VS Code gives to a webview's page. */
declare function acquireVsCodeApi(): { postMessage(message: WebviewMessage): void; getState(): unknown; setState(state: { readonly window: ChartWindow }): void };

const host = acquireVsCodeApi();
let seq = 0;

// VS Code lets nobody but the extension's host send messages here.
window.addEventListener('message', ({ data }: MessageEvent<HostMessage>) => {
  const main = document.getElementById('dashboard');
  if (main === null || data.seq <= seq) return;
  seq = data.seq;
  const focused = document.activeElement;
  const scroller = focused?.closest<HTMLElement>('[data-queue]');
  const before = rowHeights();
  patch(main, dashboard(data.view));
  if (rowHeights() !== before) patch(main, dashboard(data.view));
  keepReading(data.view);
  // An element that moved has lost the focus on the way; a row that was scrolled away leaves it to its table.
  if (focused instanceof HTMLElement && focused !== document.activeElement) (focused.isConnected ? focused : scroller)?.focus({ preventScroll: true });
});

document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLElement>('button[data-message]') : null;
  const given = button?.dataset['message'];
  if (given === undefined) return;
  const message = JSON.parse(given) as WebviewMessage;
  if (message.type === 'window') host.setState({ window: message.window });
  host.postMessage(message);
});

listenForReading();
listenForScrolling((repository, range) => host.postMessage({ type: 'rows', repository, range }));
host.postMessage({ type: 'ready', window: lastWindow() });

function lastWindow(): ChartWindow {
  const state = host.getState();
  const last: unknown = typeof state === 'object' && state !== null && 'window' in state ? state.window : undefined;
  return CHART_WINDOWS.find((one) => one === last) ?? '24h';
}
