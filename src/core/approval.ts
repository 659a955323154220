/** Which tasks need a human's consent before they start: those that say so, and those whose text names something dangerous. */
import type { Config } from './config/schema.ts';
import type { TaskDefinition } from './task.ts';

export interface ApprovalNeed {
  readonly needed: boolean;
  /** Why, each in a few words: `the goal says "deploy"`. */
  readonly reasons: readonly string[];
}

/**
 * Scans goal, description and constraints for the keywords of `approval.keywords` (whole words, any case, outside code).
 * `requires_approval: true` always asks; `false` overrides no keyword.
 */
export function approvalNeeded(task: TaskDefinition, config: Pick<Config, 'approval'>): ApprovalNeed {
  const reasons: string[] = task.requires_approval === true ? ['the task asks for it'] : [];
  const places: [string, string][] = [
    ['goal', task.goal],
    ['description', task.description ?? ''],
    ['constraints', (task.constraints ?? []).join('\n')],
  ];
  for (const [place, text] of places) {
    const prose = withoutCode(text);
    for (const keyword of config.approval.keywords) {
      if (wholeWord(keyword).test(prose)) reasons.push(`the ${place} says "${keyword}"`);
    }
  }
  return { needed: reasons.length > 0, reasons };
}

/** Fenced blocks and code spans name code, they do not ask for anything. An unclosed fence hides nothing. */
function withoutCode(text: string): string {
  return text
    .replace(/^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1[`~]*[ \t]*$/gm, ' ')
    .replace(/(`+)(?!`)([^\n]*?[^`\n])\1(?!`)/g, ' ');
}

/** White space of a keyword matches any white space, so that a line break hides nothing. */
function wholeWord(keyword: string): RegExp {
  const words = keyword.trim().split(/\s+/).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(?<![\\p{L}\\p{N}_])${words.join('\\s+')}(?![\\p{L}\\p{N}_])`, 'iu');
}
