/** The second page of New Task: which fields there are, and how each shows and is set. */
import { CHOICES, type TaskDraft } from './taskDraft.ts';

export type Field = Exclude<keyof TaskDraft, 'description' | 'context_files'>;

export interface Question {
  readonly field: Field;
  readonly label: string;
  readonly icon: string;
  readonly hint: string;
  /** Fixed values; free text when absent. */
  readonly choices?: readonly string[];
  /** Several of `choices`. */
  readonly many?: boolean;
  /** Other text than a choice is welcome too. */
  readonly open?: boolean;
}

/** What may be asked, given the agents and the tasks that a task may wait for. */
export function questions(agents: readonly string[], tasks: readonly string[]): Question[] {
  return [
    { field: 'goal', label: 'Goal', icon: 'target', hint: 'What should be done?' },
    { field: 'priority', label: 'Priority', icon: 'flame', hint: 'medium unless the text says otherwise', choices: CHOICES.priority },
    { field: 'risk', label: 'Risk', icon: 'shield', hint: 'stating one makes the workflow reviewed', choices: CHOICES.risk },
    { field: 'area', label: 'Area', icon: 'tag', hint: 'chooses agents and rules', choices: CHOICES.area, open: true },
    { field: 'deadline', label: 'Deadline', icon: 'calendar', hint: '2030-05-17, or words such as by Friday' },
    ...(agents.length > 0
      ? [{ field: 'agent', label: 'Agent', icon: 'hubot', hint: 'chosen by routing', choices: agents } satisfies Question]
      : []),
    { field: 'workflow', label: 'Workflow', icon: 'list-tree', hint: 'auto', choices: CHOICES.workflow },
    ...(tasks.length > 0
      ? [{ field: 'depends_on', label: 'Depends On', icon: 'link', hint: 'nothing', choices: tasks, many: true } satisfies Question]
      : []),
    { field: 'requires_approval', label: 'Ask Before It Starts', icon: 'bell', hint: 'only when its text asks for it', choices: ['yes', 'no'] },
  ];
}

/** The present value of a field in words; undefined when it is not set. */
export function valueOf(draft: TaskDraft, field: Field): string | undefined {
  const value = draft[field];
  if (value === undefined || value === '') return undefined;
  if (Array.isArray(value)) return value.length > 0 ? value.join(', ') : undefined;
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : value;
}

/** The draft with the answer in place; an empty answer takes the field back. */
export function withAnswer(draft: TaskDraft, field: Field, answer: readonly string[]): TaskDraft {
  const [first] = answer;
  const rest: TaskDraft = Object.fromEntries(Object.entries(draft).filter(([key]) => key !== field)) as unknown as TaskDraft;
  if (first === undefined || first.trim() === '') return field === 'goal' ? { ...rest, goal: '' } : rest;
  if (field === 'depends_on') return { ...rest, depends_on: [...answer] };
  if (field === 'requires_approval') return { ...rest, requires_approval: first === 'yes' };
  return { ...rest, [field]: first.trim() };
}
