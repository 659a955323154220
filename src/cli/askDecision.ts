/** Puts one decision to a user in a terminal and reads the answer, by the kinds of answer that it takes. */
import { agentQuestions, answeredInput } from '../core/agentQuestions.ts';
import { budgetDetail } from '../core/budget.ts';
import type { Always, Decision, Verdict } from '../core/execution.ts';
import { formatMoney } from '../core/format.ts';
import { ruleOf, ruleText } from '../core/permissionGrant.ts';
import type { CliIo } from './io.ts';
import { plain } from './text.ts';

type Io = Pick<CliIo, 'ask' | 'stdout'>;

/** What goes into the command `decide`. */
export interface GivenAnswer {
  readonly verdict: Verdict;
  readonly text?: string;
  readonly input?: Record<string, unknown>;
  readonly always?: Always;
}
export type Asked = GivenAnswer | 'skip' | 'quit';

const WORDS: Readonly<Record<string, Verdict | 'skip' | 'quit'>> = {
  a: 'approve',
  approve: 'approve',
  r: 'reject',
  reject: 'reject',
  c: 'request_changes',
  changes: 'request_changes',
  '': 'skip',
  s: 'skip',
  skip: 'skip',
  q: 'quit',
  quit: 'quit',
};

export async function askDecision(io: Io, decision: Decision): Promise<Asked> {
  if (decision.kind === 'budget') return askBudget(io, decision);
  if (agentQuestions(decision).length > 0) return askQuestions(io, decision);
  return decision.kind === 'permission' ? askPermission(io, decision) : askVerdict(io, decision);
}

async function askVerdict(io: Io, { kind }: Decision): Promise<Asked> {
  const verdict = await choose(io, `[a]pprove, [r]eject, request [c]hanges, [s]kip or [q]uit this ${kind} decision? `, (typed) => WORDS[typed], 'Type a, r, c, s or q.');
  return verdict === 'approve' || verdict === 'skip' || verdict === 'quit' ? given(verdict) : withReason(io, verdict);
}

/** A permission is given once, or from now on by the rule that is shown. */
async function askPermission(io: Io, decision: Decision): Promise<Asked> {
  const rule = ruleOf(decision);
  const wider = rule === undefined ? '' : `, always in this [t]ask, always in this re[p]ository (${plain(ruleText(rule))})`;
  const read = (typed: string): Verdict | Always | 'skip' | 'quit' | undefined => {
    if (rule !== undefined && (typed === 't' || typed === 'p')) return typed === 't' ? 'task' : 'repository';
    return typed === 'c' || typed === 'changes' ? undefined : WORDS[typed];
  };
  const answer = await choose(io, `[a]llow once${wider}, [r]efuse, [s]kip or [q]uit this permission? `, read, `Type a,${rule === undefined ? '' : ' t, p,'} r, s or q.`);
  if (answer === 'task' || answer === 'repository') return { verdict: 'approve', always: answer };
  return answer === 'reject' ? withReason(io, answer) : given(answer);
}

/** Nothing typed leaves the question open. */
async function askQuestions(io: Io, decision: Decision): Promise<Asked> {
  const answers: string[] = [];
  for (const { question, options } of agentQuestions(decision)) {
    io.stdout.write(`${plain(question)}\n${options.map(({ label, description }, index) => `  ${index + 1}. ${plain(label)}${description === '' ? '' : `: ${plain(description)}`}\n`).join('')}`);
    const typed = await io.ask('A number, your own words, Enter to skip or [q]uit: ');
    if (typed === null || typed.trim().toLowerCase() === 'q') return 'quit';
    if (typed.trim() === '') return 'skip';
    answers.push(typed.trim());
  }
  return { verdict: 'approve', input: answeredInput(decision, answers) };
}

/** A budget takes an amount or a cheaper model besides yes and no. */
async function askBudget(io: Io, decision: Decision): Promise<Asked> {
  const { suggested_usd: suggested, limit_usd: limit, cheaper } = budgetDetail(decision);
  const less = cheaper === null ? '' : `, [c]heaper with ${cheaper}`;
  const read = (typed: string): Asked | undefined => {
    if (cheaper !== null && (typed === 'c' || typed === 'cheaper')) return { verdict: 'approve', input: { cheaper: true } };
    const amount = Number(typed.replace(/^\$/, ''));
    if (typed !== '' && amount > limit) return { verdict: 'approve', input: { budget_usd: amount } };
    const word = WORDS[typed];
    return word === undefined || word === 'request_changes' ? undefined : given(word);
  };
  const prompt = `[a]pprove ${formatMoney(suggested)}, an amount above ${formatMoney(limit)}${less}, [r]eject, [s]kip or [q]uit this budget decision? `;
  const answer = await choose(io, prompt, read, `Type an amount above ${formatMoney(limit)}, a,${cheaper === null ? '' : ' c,'} r, s or q.`);
  return typeof answer === 'object' && answer.verdict === 'reject' ? withReason(io, 'reject') : answer;
}

/** Asks until what is typed means something; the end of the input means the end. */
async function choose<T>(io: Io, prompt: string, read: (typed: string) => T | undefined, help: string): Promise<T | 'quit'> {
  for (;;) {
    const typed = await io.ask(prompt);
    if (typed === null) return 'quit';
    const answer = read(typed.trim().toLowerCase());
    if (answer !== undefined) return answer;
    io.stdout.write(`${help}\n`);
  }
}

async function withReason(io: Io, verdict: Verdict): Promise<Asked> {
  const text = (await io.ask(verdict === 'request_changes' ? 'What should change? ' : 'Reason (Enter for none): '))?.trim() ?? '';
  if (verdict === 'request_changes' && text === '') {
    io.stdout.write('Nothing to send back, so it stays open.\n');
    return 'skip';
  }
  return { verdict, ...(text === '' ? {} : { text }) };
}

function given(word: Verdict | 'skip' | 'quit'): Asked {
  return word === 'skip' || word === 'quit' ? word : { verdict: word };
}
