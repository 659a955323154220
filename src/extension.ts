/** What VS Code calls. Builds the parts and registers the views; nothing else happens here. */
import type { ExtensionContext } from 'vscode';

export function activate(_context: ExtensionContext): void {
  // The surfaces register themselves here.
}

export function deactivate(): void {
  // Everything disposable is owned by the context.
}
