/** Presentations as VS Code's tree items. */
import * as vscode from 'vscode';
import type { Icon, Presentation } from './model/presentation.ts';

export function toTreeItem(look: Presentation): vscode.TreeItem {
  const collapsible = {
    none: vscode.TreeItemCollapsibleState.None,
    collapsed: vscode.TreeItemCollapsibleState.Collapsed,
    expanded: vscode.TreeItemCollapsibleState.Expanded,
  }[look.collapsible];
  const item = new vscode.TreeItem(look.label, collapsible);
  item.id = look.id;
  item.description = look.description;
  item.contextValue = look.contextValue;
  item.accessibilityInformation = { label: look.spoken ?? `${look.label}, ${look.description}` };
  if (look.icon !== undefined) item.iconPath = toIcon(look.icon);
  if (look.filePath !== undefined) {
    item.iconPath = vscode.ThemeIcon.File;
    // A scheme of our own: the file icon comes from the name, and no other extension decorates it.
    item.resourceUri = vscode.Uri.from({ scheme: 'baton-file', path: `/${look.filePath}` });
  }
  if (look.command !== undefined) item.command = { command: look.command.id, title: look.command.title, arguments: [...look.command.args] };
  if (look.checked !== undefined) {
    item.checkboxState = {
      state: look.checked ? vscode.TreeItemCheckboxState.Checked : vscode.TreeItemCheckboxState.Unchecked,
      tooltip: look.checked ? 'Reviewed' : 'Not reviewed yet',
    };
  }
  return item;
}

export function toIcon(icon: Icon): vscode.ThemeIcon {
  return new vscode.ThemeIcon(icon.id, icon.color === undefined ? undefined : new vscode.ThemeColor(icon.color));
}

/** Markdown without command links: what it shows came in part from outside. */
export function plainMarkdown(text: string): vscode.MarkdownString {
  const markdown = new vscode.MarkdownString(text);
  markdown.isTrusted = false;
  return markdown;
}
