/** VS Code's settings of Baton, and the repository's own configuration file. */
import * as vscode from 'vscode';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from './app.ts';
import { repositoryFor } from './targets.ts';

/** Programs of agents that the user's machine keeps in places of their own, by agent. */
export function agentPaths(): Record<string, string> {
  const path = vscode.workspace.getConfiguration('baton').get<string>('claude.path', '').trim();
  return path === '' ? {} : { claude: path };
}

export type NotifyWhen = 'whenHidden' | 'never';
export function notifyWhen(): NotifyWhen {
  return vscode.workspace.getConfiguration('baton').get<NotifyWhen>('notifications.decisions', 'whenHidden');
}

export async function stopNotifying(): Promise<void> {
  await vscode.workspace.getConfiguration('baton').update('notifications.decisions', 'never', vscode.ConfigurationTarget.Global);
}

/** Quiet hours of this machine, which outrank those of a repository; undefined where none are set. */
export function quietHours(): string | undefined {
  const hours = vscode.workspace.getConfiguration('baton').get<string>('notifications.quietHours', '').trim();
  return hours === '' ? undefined : hours;
}

/** Files that a repository's configuration may be in, the first found counts. */
const CONFIGURATION_FILES = ['.baton/orchestrator.yaml', 'config/orchestrator.yaml'];

/** Writes the first configuration (an existing one is left alone) and opens it. */
export async function createConfiguration(app: App, args: readonly unknown[]): Promise<void> {
  const repository = await repositoryFor(app, args, 'Create Configuration');
  if (repository === undefined) return;
  if ((await configurationOf(repository.root)) === undefined) {
    await app.engine().initRepository(repository.root);
    await app.repositories.open(repository);
  }
  await openConfigurationOf(repository.root);
}

export async function openConfiguration(app: App, args: readonly unknown[]): Promise<void> {
  const repository = await repositoryFor(app, args, 'Open Configuration');
  if (repository === undefined) return;
  if ((await configurationOf(repository.root)) !== undefined) return openConfigurationOf(repository.root);
  const create = 'Create Configuration';
  const chosen = await vscode.window.showInformationMessage(`${repository.name} has no configuration yet: the defaults hold.`, create);
  if (chosen === create) await createConfiguration(app, [{ kind: 'repository', repository }]);
}

/** True once Baton was used in a repository: it has a folder, or a configuration in the other place. */
export async function isInUse(root: string): Promise<boolean> {
  return (await exists(join(root, '.baton'))) || (await exists(join(root, 'config', 'orchestrator.yaml')));
}

async function openConfigurationOf(root: string): Promise<void> {
  const file = await configurationOf(root);
  if (file !== undefined) await vscode.window.showTextDocument(vscode.Uri.file(file));
}

async function configurationOf(root: string): Promise<string | undefined> {
  for (const name of CONFIGURATION_FILES) if (await exists(join(root, name))) return join(root, name);
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
