/** Baton's surfaces in a window, as a user finds them. */
import type { Locator } from 'playwright-core';
import { until } from '../processes.ts';
import type { Workbench } from './workbench.ts';

export class BatonWindow {
  readonly workbench: Workbench;

  constructor(workbench: Workbench) {
    this.workbench = workbench;
  }

  get needsYou(): Locator {
    return this.workbench.view('Needs You');
  }

  get queue(): Locator {
    return this.workbench.view('Queue');
  }

  /** The status bar item. */
  get status(): Locator {
    return this.workbench.page.locator('.statusbar-item[id*="baton.status"]');
  }

  /** An item of Needs You by its title and something in its facts. */
  decision(title: string, about: string): Locator {
    return this.needsYou.getByRole('treeitem').filter({ hasText: title }).filter({ hasText: about }).first();
  }

  /** A task's item in the queue by its goal. */
  task(goal: string): Locator {
    return this.workbench.row(goal, this.queue);
  }

  /** Texts of the rows of a view, as a person reads them. */
  async texts(view: Locator): Promise<string[]> {
    const rows = await this.workbench.rows(view);
    return rows.map((row) => row.replace(/\s+/g, ' ').trim());
  }

  async waitForStatus(text: string | RegExp, deadlineMs = 60_000): Promise<void> {
    let last = '';
    const reads = (): boolean => (typeof text === 'string' ? last.includes(text) : text.test(last));
    await until(`the status bar says ${String(text)}`, async () => {
      last = (await this.status.count()) === 0 ? '' : await this.status.innerText();
      return reads();
    }, deadlineMs).catch((error: unknown) => {
      throw new Error(`The status bar says "${last}", not ${String(text)}.`, { cause: error });
    });
  }

  /** Approves a decision by the button of its item. */
  async approve(title: string, about: string): Promise<void> {
    const item = this.decision(title, about);
    await item.waitFor({ timeout: 60_000 });
    await this.workbench.clickRowAction(item, 'Approve');
    await item.waitFor({ state: 'detached' });
  }
}
