/** Questions that an agent puts to its user by its tool for questions: they come as a permission, and the answers go back as the tool's input. */
import { BatonError } from './errors.ts';
import type { Decision } from './execution.ts';

export interface AgentQuestion {
  readonly question: string;
  /** The answers that it offers; words of one's own are as good. */
  readonly options: readonly { readonly label: string; readonly description: string }[];
  readonly many: boolean;
}

/** What the agent asks; empty for other decisions. */
export function agentQuestions(decision: Decision): AgentQuestion[] {
  const { questions } = inputOf(decision);
  if (decision.detail['tool'] !== 'AskUserQuestion' || !Array.isArray(questions)) return [];
  return questions.map(record).flatMap(({ question, options, multiSelect }) => {
    const offered = (Array.isArray(options) ? options : []).map(record).map(({ label, description }) => ({ label: text(label) ?? '', description: text(description) ?? '' }));
    const asked = text(question);
    return asked === undefined ? [] : [{ question: asked, options: offered.filter(({ label }) => label !== ''), many: multiSelect === true }];
  });
}

/** The tool's input with an answer to each question, in their order. A number means the option at that place, from 1. Throws `usage` when one is missing. */
export function answeredInput(decision: Decision, answers: readonly string[]): Record<string, unknown> {
  const questions = agentQuestions(decision);
  if (questions.length === 0) throw new BatonError('usage', `Decision ${decision.id} is no question of an agent.`);
  if (answers.length !== questions.length || answers.some((answer) => answer.trim() === '')) {
    throw new BatonError('usage', `The agent asks ${questions.length === 1 ? 'one question' : `${questions.length} questions`}, and each needs an answer.`, { hint: questions.map(({ question }) => question).join(' ') });
  }
  const chosen = questions.map(({ question, options }, index) => [question, options[Number(answers[index]) - 1]?.label ?? answers[index]?.trim()] as const);
  return { ...inputOf(decision), answers: Object.fromEntries(chosen) };
}

function inputOf(decision: Decision): Record<string, unknown> {
  return record(decision.detail['input']);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
