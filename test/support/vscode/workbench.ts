/** A VS Code window in a browser, with the gestures of a user as methods. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { chromium, type Browser, type Frame, type Locator, type Page } from 'playwright-core';
import { ROOT } from './cache.ts';
import { provideBrowser } from './provision.ts';
import { startServer, type ServerOptions, type VsCodeServer } from './server.ts';

/** VS Code's own theme of each kind: its name in settings, its label, and the class that the workbench bears under it. */
const THEMES = {
  light: { name: 'Light 2026', label: 'Light 2026', kind: 'vs' },
  dark: { name: 'Dark 2026', label: 'Dark 2026', kind: 'vs-dark' },
  'high-contrast': { name: 'Default High Contrast', label: 'Dark High Contrast', kind: 'hc-black' },
  'high-contrast-light': { name: 'Default High Contrast Light', label: 'Light High Contrast', kind: 'hc-light' },
} as const;

export type Theme = keyof typeof THEMES;
export const ALL_THEMES = Object.keys(THEMES) as Theme[];

const SCREENSHOTS = path.join(ROOT, 'out/screenshots');
const CLICK_TIMEOUT_MS = 1_000;
/** Long enough for what a click leads to on a busy machine: the next click may close it again. */
const SHOWN_TIMEOUT_MS = 15_000;
const TIMEOUT_MS = 60_000;
const DROP_TIMEOUT_MS = 10_000;
const PALETTE_TIMEOUT_MS = 5_000;
const START_TIMEOUT_MS = 120_000;

export interface WorkbenchOptions extends ServerOptions {
  /** A server to open the window on, which stays when the window closes; else one is started for it, with the other options. */
  readonly server?: VsCodeServer;
  readonly theme?: Theme;
  readonly size?: { readonly width: number; readonly height: number };
}

/** Opens a folder (absolute path; null: a window without one) and resolves when the window is there and its extension host runs. */
export async function openWorkbench(folder: string | null, options: WorkbenchOptions = {}): Promise<Workbench> {
  const theme = THEMES[options.theme ?? 'dark'];
  const settings = { 'workbench.colorTheme': theme.name, ...options.settings };
  const server = options.server ?? (await startServer({ ...options, settings }));
  const closers: (() => Promise<void>)[] = options.server === undefined ? [() => server.stop()] : [];
  try {
    const browser = await launchBrowser();
    closers.unshift(() => browser.close());
    const page = await browser.newPage({ viewport: options.size ?? { width: 1280, height: 800 } });
    page.setDefaultTimeout(TIMEOUT_MS);
    const workbench = new Workbench(page, server, closers);
    await page.goto(windowUrl(server, folder));
    // Themes come from extensions: with the theme, connection and extensions are there.
    const shown = options.server === undefined ? `.${theme.kind}` : '[class*="-themes-"]';
    await page.locator(`.monaco-workbench${shown} .part.statusbar`).waitFor({ timeout: START_TIMEOUT_MS });
    return workbench;
  } catch (error) {
    for (const close of closers) await close();
    throw error;
  }
}

export async function launchBrowser(): Promise<Browser> {
  const { executable, args } = await provideBrowser();
  return chromium.launch({ executablePath: executable, args: [...args] });
}

/** The address of a window on a folder. Paths become URIs on the server, which is where the extension runs. */
export function windowUrl(server: VsCodeServer, folder: string | null, testsPath?: string): string {
  const uri = (file: string): string => `vscode-remote://${server.authority}${file}`;
  const entries = [['skipWelcome', 'true']];
  if (server.developed !== null) entries.push(['extensionDevelopmentPath', uri(server.developed)]);
  if (testsPath !== undefined) entries.push(['extensionTestsPath', uri(testsPath)]);
  const payload = JSON.stringify(entries);
    // `ew`: an empty window, where the last folder would come back else.
  const what = folder === null ? 'ew=true' : `folder=${encodeURIComponent(folder)}`;
  return `http://${server.authority}/?${what}&payload=${encodeURIComponent(payload)}`;
}

const open = new Set<Workbench>();

// A root hook of every suite that opens windows: what did they show when a test failed?
if (typeof afterEach === 'function') {
  afterEach('take a picture of a failure', async function () {
    if (this.currentTest?.state !== 'failed') return;
    const name = `failed-${this.currentTest.fullTitle().replace(/\W+/g, '-').slice(0, 100)}`;
    for (const [index, workbench] of [...open].entries()) console.log(`Picture: ${await workbench.screenshot(`${name}-${String(index)}`)}`);
  });
}

export class Workbench {
  readonly page: Page;
  readonly server: VsCodeServer;
  readonly #closers: readonly (() => Promise<void>)[];

  constructor(page: Page, server: VsCodeServer, closers: readonly (() => Promise<void>)[]) {
    this.page = page;
    this.server = server;
    this.#closers = closers;
    open.add(this);
  }

  async close(): Promise<void> {
    open.delete(this);
    await this.page.close();
    for (const close of this.#closers) await close();
  }

  /** Saves what the window shows as out/screenshots/NAME.png and returns the file. */
  async screenshot(name: string): Promise<string> {
    await mkdir(SCREENSHOTS, { recursive: true });
    const file = path.join(SCREENSHOTS, `${name}.png`);
    await this.page.screenshot({ path: file });
    return file;
  }

  /** Changes to VS Code's own theme of a kind and waits until the window shows it. */
  async changeTheme(theme: Theme): Promise<void> {
    const { label, kind } = THEMES[theme];
    await this.runCommand('Preferences: Color Theme');
    await this.pick(label);
    await this.page.locator(`.monaco-workbench.${kind}`).waitFor();
  }

  /** Reloads the window as a user does and resolves when it is there again. */
  async reload(): Promise<void> {
    const reloaded = this.page.waitForEvent('framenavigated', { predicate: (frame) => frame === this.page.mainFrame(), timeout: START_TIMEOUT_MS });
    await this.runCommand('Developer: Reload Window');
    await reloaded;
    await this.page.locator('.monaco-workbench[class*="-themes-"] .part.statusbar').waitFor({ timeout: START_TIMEOUT_MS });
  }

  /** Leaves the folder for another one (null: none) and resolves when the window is there again. */
  async openFolder(folder: string | null): Promise<void> {
    await this.page.goto(windowUrl(this.server, folder));
    await this.page.locator('.monaco-workbench[class*="-themes-"] .part.statusbar').waitFor({ timeout: START_TIMEOUT_MS });
  }

  // --- palette and quick input

  /**
   * Runs a command by the title that the palette shows, category included: `Baton: New Task…`. The palette lists what its
   * context allowed when it opened, so it is opened again until the command is there.
   */
  async runCommand(title: string): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS;
    for (;;) {
      await this.page.keyboard.press('F1');
      await this.quickInput.waitFor();
      await this.#quickInputField.fill(`>${title}`);
      // A window that is busy may also close the palette under the pointer: another editor took the focus.
      const chosen = await this.quickPickRow(title).click({ timeout: PALETTE_TIMEOUT_MS }).then(() => true, () => false);
      if (chosen) return;
      if (performance.now() > deadline) throw new Error(`The palette does not offer ${title}. It offers: ${(await this.quickPickLabels()).join(', ')}`);
      await this.page.keyboard.press('Escape');
    }
  }

  /** The open quick pick or input box. */
  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible');
  }

  get #quickInputField(): Locator {
    return this.quickInput.locator('.quick-input-box input');
  }

  /** An entry of the open quick pick by its exact label. */
  quickPickRow(label: string): Locator {
    const exact = this.page.locator('.label-name').getByText(label, { exact: true });
    return this.quickInput.locator('.quick-input-list .monaco-list-row').filter({ has: exact }).first();
  }

  /** Labels of the open quick pick's entries, as far as they are scrolled into view. */
  quickPickLabels(): Promise<string[]> {
    return this.quickInput.locator('.quick-input-list .monaco-list-row .quick-input-list-label .label-name').allInnerTexts();
  }

  /** Chooses an entry by its exact label, typing it first where the list is too long to show it. */
  async pick(label: string): Promise<void> {
    await this.quickInput.locator('.quick-input-list .monaco-list-row').first().waitFor();
    if ((await this.quickPickRow(label).count()) === 0) await this.#quickInputField.fill(label);
    await this.quickPickRow(label).click();
  }

  /** Chooses the entry that contains the text, be it in its label, description or detail. */
  async pickContaining(text: string): Promise<void> {
    await this.quickInput.locator('.quick-input-list .monaco-list-row').filter({ hasText: text }).first().click();
  }

  /** Replaces the text of the open input; `accept` presses Enter after it. */
  async typeIntoQuickInput(text: string, accept = true): Promise<void> {
    await this.quickInput.waitFor();
    await this.#quickInputField.fill(text);
    if (accept) await this.#quickInputField.press('Enter');
  }

  // --- views and trees

  /** Drags the side bar to a width in pixels. */
  async resizeSideBar(width: number): Promise<void> {
    const box = await this.page.locator('.part.sidebar').boundingBox();
    if (box === null) throw new Error('No side bar is open.');
    const middle = box.y + box.height / 2;
    await this.page.mouse.move(box.x + box.width, middle);
    await this.page.mouse.down();
    await this.page.mouse.move(box.x + width, middle, { steps: 4 });
    await this.page.mouse.up();
    await this.page.mouse.move(box.x + width + 200, middle);
  }

  /** Opens a view container by the title of its icon in the activity bar. */
  async openContainer(title: string): Promise<void> {
    const tab = this.page.locator('.activitybar').getByRole('tab', { name: title }).first();
    const shown = this.page.locator('.part.sidebar .composite.title').getByText(title, { exact: true });
    const deadline = performance.now() + TIMEOUT_MS;
    for (;;) {
      if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
      try {
        // A window that is still loading may bring the container back by itself, and the click has closed it then.
        await shown.waitFor({ timeout: CLICK_TIMEOUT_MS });
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
    }
  }

  /** The number on a container's icon, null when it has none. */
  async containerBadge(title: string): Promise<string | null> {
    const badge = this.page.locator('.activitybar').getByRole('tab', { name: title }).locator('.badge-content');
    const text = (await badge.count()) === 0 ? '' : await badge.first().innerText();
    return text === '' ? null : text;
  }

  /** A view of the side bar by its title; everything below takes one to look in. */
  view(title: string): Locator {
    const header = this.page.locator('.pane-header').getByText(title, { exact: true });
    return this.page.locator('.pane').filter({ has: header });
  }

  /** A tree row whose text or accessible name contains the text. */
  row(text: string | RegExp, scope: Locator = this.page.locator('.sidebar')): Locator {
    return scope.getByRole('treeitem').filter({ hasText: text }).first();
  }

  async waitForRow(text: string | RegExp, scope?: Locator): Promise<Locator> {
    const row = this.row(text, scope);
    await row.waitFor();
    return row;
  }

  /** The texts of all rows in sight, in order. */
  rows(scope: Locator = this.page.locator('.sidebar')): Promise<string[]> {
    return scope.getByRole('treeitem').allInnerTexts();
  }

  /**
   * Opens rows, each in the one before, until something in the last is seen: an item that moves elsewhere in the tree is drawn closed there. The
   * groups that they are in are opened too: a click on a row that has just moved away closes whatever took its place.
   */
  async expandRows(rows: readonly Locator[], seen: Locator): Promise<void> {
    const closed = this.page.locator('.sidebar [role="treeitem"][aria-level="1"][aria-expanded="false"]');
    const deadline = performance.now() + 2 * TIMEOUT_MS;
    while (!(await seen.isVisible())) {
      if (performance.now() > deadline) throw new Error(`Open rows do not show ${String(seen)}.`);
      if ((await rows[0]?.isVisible()) === false) for (const group of await closed.all()) await this.#expand(group).catch(() => undefined);
      for (const row of rows) await this.#expand(row).catch(() => undefined);
      await this.page.waitForTimeout(50);
    }
  }

  async #expand(row: Locator): Promise<void> {
    const timeout = CLICK_TIMEOUT_MS;
    if ((await row.getAttribute('aria-expanded', { timeout })) === 'false') await row.locator('.monaco-tl-twistie').click({ timeout });
  }

  /** Clicks a row until that shows what it leads to: one that moves under the pointer, or is drawn again, makes a click miss. */
  async clickUntil(row: Locator, shown: Locator, button: 'left' | 'right' = 'left'): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS;
    for (;;) {
      await row.click({ button });
      if (await shown.waitFor({ timeout: SHOWN_TIMEOUT_MS }).then(() => true, () => false)) return;
      if (performance.now() > deadline) throw new Error(`A click on ${String(row)} does not show ${String(shown)}.`);
    }
  }

  /** Clicks an inline action of a tree row by its title. */
  async clickRowAction(row: Locator, action: string): Promise<void> {
    const button = row.locator(`.actions .action-label[aria-label^="${action}"]`);
    const deadline = performance.now() + TIMEOUT_MS;
    for (;;) {
      await row.hover();
      try {
        // A row that is drawn again or moves takes its buttons with it.
        await button.click({ timeout: CLICK_TIMEOUT_MS });
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
    }
  }

  /** Clicks an entry of a row's context menu. */
  async clickRowMenu(row: Locator, action: string): Promise<void> {
    const menu = this.page.locator('.context-view .monaco-menu');
    const deadline = performance.now() + TIMEOUT_MS;
    await this.clickUntil(row, menu, 'right');
    // A menu is deaf to the mouse for its first 100 ms: clicked again, until it has closed.
    for (;;) {
      const clicked = await menu.getByText(action, { exact: true }).click({ timeout: CLICK_TIMEOUT_MS }).then(() => true, () => false);
      if (await menu.waitFor({ state: 'detached', timeout: CLICK_TIMEOUT_MS }).then(() => true, () => false)) return;
      if (performance.now() > deadline) throw new Error(clicked ? `The menu stays open after a click on ${action}.` : `The menu does not offer ${action}. It offers: ${(await menu.allInnerTexts()).join(' ')}`);
    }
  }

  /** Drags a row onto another one until that has the effect which is looked for: rows that move under the pointer make a drop miss. */
  async dragRow(row: Locator, onto: Locator, done: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS;
    while (performance.now() < deadline) {
      await row.dragTo(onto);
      const soon = performance.now() + DROP_TIMEOUT_MS;
      while (performance.now() < soon) {
        if (await done()) return;
        await this.page.waitForTimeout(50);
      }
    }
    throw new Error('The row could not be dragged where it should be.');
  }

  /** Clicks an action in a view's title bar. */
  async clickViewAction(view: string, action: string): Promise<void> {
    const pane = this.view(view);
    await pane.locator('.pane-header').hover();
    await pane.locator(`.pane-header .action-label[aria-label^="${action}"]`).click();
  }

  // --- extensions

  /**
   * What VS Code says of a running extension: `Activation: 12ms`, and its uncaught errors, if any. An installed extension is
   * listed by its display name, one under development by its id.
   */
  async runningExtension(...names: readonly string[]): Promise<{ readonly activation: string; readonly message: string }> {
    const size = this.page.viewportSize() ?? { width: 1280, height: 800 };
    // The list holds only what is in sight.
    await this.page.setViewportSize({ ...size, height: 3000 });
    await this.runCommand('Developer: Show Running Extensions');
    const rows = this.page.locator('.monaco-list-row:has(.activation-time)');
    const title = names.map((name) => this.page.locator('.name').getByText(name, { exact: true })).reduce((some, other) => some.or(other));
    const row = rows.filter({ has: title });
    await row.waitFor();
    const found = { activation: await row.locator('.activation-time').innerText(), message: await row.locator('.msg').innerText() };
    await this.runCommand('View: Close Editor');
    await this.page.setViewportSize(size);
    return found;
  }

  // --- status bar, editors, notifications, webviews

  /** A status bar item whose text or accessible name contains the text. */
  statusItem(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item').filter({ hasText: text }).first();
  }

  /** Clicks an action in the title of the active editor group. */
  async clickEditorAction(title: string): Promise<void> {
    await this.page.locator(`.editor-group-container.active .editor-actions .action-label[aria-label^="${title}"]`).click();
  }

  editorTab(title: string | RegExp): Locator {
    return this.page.getByRole('tab', { name: title }).and(this.page.locator('.tabs-container .tab')).first();
  }

  /** The notification with this text, in the notification center: VS Code under its smoke-test driver shows no toasts. */
  async notification(text: string | RegExp): Promise<Locator> {
    const center = this.page.locator('.notifications-center.visible');
    const found = center.locator('.notification-list-item').filter({ hasText: text }).first();
    const deadline = performance.now() + TIMEOUT_MS;
    for (;;) {
      if ((await center.count()) === 0) await this.page.locator('#status\\.notifications').click();
      const shown = await found.waitFor({ timeout: CLICK_TIMEOUT_MS }).then(() => true, () => false);
      if (shown) return found;
      if (performance.now() > deadline) throw new Error(`No notification says ${String(text)}. There is: ${(await center.allInnerTexts()).join(' ')}`);
    }
  }

  /** What the bell in the status bar announces: empty when there is nothing to read. */
  async notifications(): Promise<string[]> {
    const label = (await this.page.locator('#status\\.notifications').getAttribute('aria-label')) ?? '';
    return /^(no |hide |)notifications$/i.test(label.trim()) ? [] : [label];
  }

  async clickNotificationButton(text: string | RegExp, button: string): Promise<void> {
    await (await this.notification(text)).getByRole('button', { name: button, exact: true }).click();
  }

  /** A button of the modal dialog. */
  dialogButton(name: string): Locator {
    return this.page.locator('.monaco-dialog-box').getByRole('button', { name, exact: true });
  }

  /** The frame of the webview whose document has an element for the selector. */
  async webview(selector: string): Promise<Frame> {
    const deadline = performance.now() + TIMEOUT_MS;
    while (performance.now() < deadline) {
      for (const frame of this.page.frames()) {
        // A frame may go away while it is asked.
        const count = frame === this.page.mainFrame() ? 0 : await frame.locator(selector).count().catch(() => 0);
        if (count > 0) return frame;
      }
      await this.page.waitForTimeout(50);
    }
    throw new Error(`No webview has an element ${selector}. Frames: ${this.page.frames().map((frame) => frame.url()).join(' ')}`);
  }
}
