/** How something looks in a view, as plain data: one place turns it into VS Code's own objects. */

export interface Icon {
  /** Codicon id, with `~spin` where it turns. */
  readonly id: string;
  readonly color?: string;
}

export interface Presentation {
  /** Stable over refreshes, unique in its view. */
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly icon?: Icon;
  readonly contextValue: string;
  readonly collapsible: 'none' | 'collapsed' | 'expanded';
  readonly command?: { readonly id: string; readonly title: string; readonly args: readonly unknown[] };
  readonly checked?: boolean;
  /** Path whose file icon is shown instead of `icon`. */
  readonly filePath?: string;
  /** What a screen reader says; label and description when absent. */
  readonly spoken?: string;
}
