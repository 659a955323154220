/** `baton list-templates`: what `baton add --template` can use. */
import { Command } from 'commander';
import type { Bind } from './context.ts';
import { plain } from './text.ts';

export function listTemplatesCommand(bind: Bind): Command {
  const command = new Command('list-templates').description('the task templates of .baton/templates, with the values they take');
  return bind(command, async ({ deps, folder, style }) => {
    const templates = await deps.templates(folder);
    return {
      document: { templates: templates.map(({ name, file, title, placeholders }) => ({ name, file, title, placeholders: placeholders.map((one) => ({ name: one.name, default: one.fallback ?? null })) })) },
      lines:
        templates.length === 0
          ? ['No templates. A template is a task file in .baton/templates, with {{placeholders}}.']
          : templates.flatMap(({ name, title, placeholders }) => [
              `${style.paint('bold', plain(name))}: ${plain(title)}`,
              ...placeholders.map((one) => `  --set ${one.name}=${one.fallback === undefined ? '…' : plain(one.fallback)}${one.fallback === undefined ? '' : ' (when not given)'}`),
            ]),
    };
  });
}
