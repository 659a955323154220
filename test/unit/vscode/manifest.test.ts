import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { COMMANDS, VIEWS, type CommandFace } from '../../../src/vscode/model/ids.ts';
import { QUEUE_GROUPS } from '../../../src/vscode/model/taskItem.ts';
import { TASK_ACTIONS } from '../../../src/vscode/model/actions.ts';
import { WELCOMES } from '../../../src/vscode/model/welcome.ts';

interface MenuEntry {
  readonly command: string;
  readonly when?: string;
  readonly group?: string;
}
interface Manifest {
  readonly contributes: {
    readonly commands: readonly { command: string; title: string; category: string; icon?: string }[];
    readonly menus: Readonly<Record<string, readonly MenuEntry[]>>;
    readonly views: Readonly<Record<string, readonly { id: string; icon: string }[]>>;
    readonly viewsContainers: { readonly activitybar: readonly { id: string; icon: string }[] };
    readonly viewsWelcome: readonly { view: string; contents: string; when: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, { scope: string; description?: string; markdownDescription?: string }>> };
  };
  readonly capabilities: { readonly untrustedWorkspaces: { supported: string; restrictedConfigurations: readonly string[] }; readonly virtualWorkspaces: { supported: boolean } };
  readonly extensionKind: readonly string[];
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const { contributes } = manifest;
const faces: Readonly<Record<string, CommandFace>> = COMMANDS;

describe('The manifest', () => {
  it('declares exactly the commands of the table, with their titles and icons, under Baton', () => {
    const declared = contributes.commands.map(({ command, title, category, icon }) => [command, category, title, icon]);
    const wanted = Object.entries(faces).map(([id, { title, icon }]) => [id, 'Baton', title, icon === undefined ? undefined : `$(${icon})`]);
    assert.deepEqual(declared.sort(), wanted.sort());
  });

  it('hides from the palette what makes sense on an item only, and asks for a repository for the rest', () => {
    const palette = new Map(contributes.menus['commandPalette']?.map(({ command, when }) => [command, when]));
    for (const [id, { palette: shown }] of Object.entries(faces)) {
      if (shown === false) assert.equal(palette.get(id), 'false', id);
      else assert.ok([undefined, 'baton.available'].includes(palette.get(id)), id);
    }
  });

  it('names only existing commands in menus', () => {
    for (const [menu, entries] of Object.entries(contributes.menus)) {
      for (const { command } of entries) assert.ok(command in faces, `${menu}: ${command}`);
    }
  });

  it('gives every inline action an icon', () => {
    // The buttons below a comment have words.
    const menus = Object.entries(contributes.menus).filter(([menu]) => !/^comments\/.*\/context$/.test(menu));
    const inline = menus.flatMap(([, entries]) => entries).filter(({ group }) => group?.startsWith('inline') || group?.startsWith('navigation'));
    assert.ok(inline.length > 0);
    for (const { command } of inline) assert.ok(faces[command]?.icon !== undefined, command);
  });

  it('tests only context words that the items have', () => {
    const words = new Set<string>(TASK_ACTIONS.map((action) => `can-${action}`));
    const used = contributes.menus['view/item/context']?.flatMap(({ when }) => when?.match(/can-\w+/g) ?? []) ?? [];
    for (const word of used) assert.ok(words.has(word), word);
  });

  it('lets no menu test a group that does not exist', () => {
    const groups = contributes.menus['view/item/context']?.flatMap(({ when }) => /\^task (\w+)/.exec(when ?? '')?.[1] ?? []) ?? [];
    for (const group of groups) assert.ok((QUEUE_GROUPS as readonly string[]).includes(group), group);
  });

  it('has a welcome text of the queue for every state in which it is empty', () => {
    const queue = contributes.viewsWelcome.filter(({ view }) => view === VIEWS.queue).map(({ when }) => when);
    for (const state of WELCOMES.filter((one) => one !== 'ready')) {
      assert.ok(queue.some((when) => when.endsWith(`baton.welcome == ${state}`)), state);
    }
  });

  it('offers in welcome texts only commands that exist', () => {
    const linked = contributes.viewsWelcome.flatMap(({ contents }) => [...contents.matchAll(/\(command:(baton\.\w+)\)/g)].map((match) => match[1]));
    for (const id of linked) assert.ok(id !== undefined && id in faces, id);
  });

  it('shows Needs You first, then the Queue, each with an icon that is there', () => {
    const views = contributes.views['baton'] ?? [];
    assert.deepEqual(views.map(({ id }) => id), [VIEWS.needsYou, VIEWS.queue]);
    for (const { icon } of [...views, ...contributes.viewsContainers.activitybar]) assert.ok(existsSync(icon), icon);
  });

  it('runs where the workspace is, and not in a host that has no machine behind it (row 245)', () => {
    assert.deepEqual(manifest.extensionKind, ['workspace']);
    assert.equal(manifest.capabilities.virtualWorkspaces.supported, false);
    assert.ok('main' in manifest && !('browser' in manifest));
  });

  it('runs nothing in an untrusted workspace and lets no workspace name a program', () => {
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
    for (const [key, setting] of Object.entries(contributes.configuration.properties)) {
      assert.ok((setting.description ?? setting.markdownDescription ?? '').length > 20, key);
      if (!key.endsWith('.path')) continue;
      assert.equal(setting.scope, 'machine', key);
      assert.ok(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations.includes(key), key);
    }
  });
});
