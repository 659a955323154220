/** What it costs to show ten thousand tasks: the dashboard's picture, its paint in a browser, and the queue's tree (row 109). */
import { launchBrowser } from '../../test/support/vscode/workbench.ts';
import { openDashboardPage } from '../../test/support/dashboardPage.ts';
import { hugeTasks, sceneMetrics, sceneSnapshot } from '../../test/support/dashboardScenes.ts';
import { metricsQuery } from '../../src/vscode/model/charts.ts';
import { dashboardOf } from '../../src/vscode/model/dashboard.ts';
import type { QueueNode } from '../../src/vscode/model/queue.ts';
import { treeLooks } from '../../src/vscode/model/queueTree.ts';
import type { DashboardView } from '../../src/shared/dashboard.ts';
import type { Snapshot } from '../../src/shared/api.ts';
import { median, spread, type Benchmark } from './row.ts';

const TASKS = 10_000;
const RUNS = 25;
const VIEW_BUDGET_MS = 20;
const PAINT_BUDGET_MS = 50;
const TREE_BUDGET_MS = 50;

export const dashboard: Benchmark = {
  about:
    'A repository with 10 000 tasks (a tenth of them done), each time as a new snapshot: the dashboard’s picture as the extension makes and serialises it, that picture taken in and painted by the page in a browser (1400 × 900) as time passes and as the queue is scrolled to another place, and the queue’s tree compared with what it showed.',
  async run() {
    const now = Date.now();
    const base: Snapshot = { ...sceneSnapshot('busy', now), tasks: [...sceneSnapshot('busy', now).tasks, ...hugeTasks(TASKS, now)] };
    const figures = { report: sceneMetrics('busy', metricsQuery('24h'), now), failure: undefined };
    const repository = { key: 'k', name: 'sample', opening: false, failure: undefined, figures };
    const viewOf = (snapshot: Snapshot, run: number, passed = 0): DashboardView =>
      dashboardOf({ trusted: true, window: '24h', folders: ['repository'], repositories: [{ ...repository, snapshot, rows: { first: run * 300, count: 95 } }] }, now + passed);

    const times = { view: [] as number[], tree: [] as number[], paint: [] as number[], scroll: [] as number[] };
    const views: DashboardView[] = [];
    for (let run = 0; run < RUNS; run++) {
      const snapshot = { ...base, seq: run, tasks: [...base.tasks] };
      const begun = performance.now();
      const view = viewOf(snapshot, run);
      JSON.stringify(view);
      times.view.push(performance.now() - begun);
      views.push(view);
    }

    const known = new Map<string, QueueNode>();
    // As the view does: one object an id, brought up to date.
    const keep = <Node extends QueueNode>(nodes: Node[]): Node[] =>
      nodes.map((node) => {
        const before = known.get(node.id);
        if (before !== undefined) return Object.assign(before, node);
        known.set(node.id, node);
        return node;
      });
    let shown: ReadonlyMap<string, string> = new Map();
    for (let run = 0; run < RUNS; run++) {
      const snapshot = { ...base, seq: run, tasks: [...base.tasks] };
      const begun = performance.now();
      const { looks } = treeLooks([{ key: 'k', name: 'sample', snapshot, notice: undefined }], new Map(), keep, now + run * 60_000);
      [...looks].filter(([id, look]) => shown.get(id) !== look);
      times.tree.push(performance.now() - begun);
      shown = looks;
    }

    const browser = await launchBrowser();
    try {
      const page = await openDashboardPage(browser, { width: 1400, height: 900 });
      for (const view of views) times.scroll.push(await page.show(view));
      for (let run = 0; run < RUNS; run++) times.paint.push(await page.show(viewOf(base, 0, run * 61_000)));
    } finally {
      await browser.close();
    }
    return [
      { name: 'dashboard picture, 10 000 tasks', value: median(times.view), unit: 'ms', budget: VIEW_BUDGET_MS, note: spread(times.view) },
      { name: 'one paint, a minute later', value: median(times.paint), unit: 'ms', budget: PAINT_BUDGET_MS, note: spread(times.paint) },
      { name: 'one paint, other rows of the queue', value: median(times.scroll), unit: 'ms', budget: PAINT_BUDGET_MS, note: spread(times.scroll) },
      { name: 'tree refresh, 10 000 tasks', value: median(times.tree), unit: 'ms', budget: TREE_BUDGET_MS, note: spread(times.tree) },
    ];
  },
};
