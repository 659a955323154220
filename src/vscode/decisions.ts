/** Answering decisions. Every answer names the decision it is for, so that none can land on another. */
import * as vscode from 'vscode';
import { userInfo } from 'node:os';
import { budgetDetail } from '../core/budget.ts';
import type { Always, Decision, Verdict } from '../core/execution.ts';
import { formatMoney, plural } from '../core/format.ts';
import { openThreads } from '../core/threads.ts';
import { ruleOf, ruleText } from '../core/permissionGrant.ts';
import type { App } from './app.ts';
import { confirm } from './confirm.ts';
import { isAnswered } from './model/actions.ts';
import { agentQuestions } from '../core/agentQuestions.ts';
import { commandOf, decisionTitle, permissionInput, permissionSummary } from './model/decisionItem.ts';
import { oneLine, withoutIcon } from './model/format.ts';
import { decisionTarget, targetOf, taskFor, type DecisionTarget } from './targets.ts';

interface Answer {
  readonly text?: string | undefined;
  readonly input?: Record<string, unknown> | undefined;
  readonly always?: Always | undefined;
}

export async function approve(app: App, args: readonly unknown[]): Promise<void> {
  const target = await decisionTarget(app, 'approve', args, 'Approve');
  if (target === undefined) return;
  // A question needs words: a bare approval would leave the agent without an answer.
  if (agentQuestions(target.decision).length > 0) return answerAgent(app, target);
  const comments = await openComments(app, target);
  if (comments > 0) {
    const all = 'Approve All the Same';
    const chosen = await vscode.window.showWarningMessage(
      `${plural(comments, 'comment')} of yours on ${target.task.id} ${comments === 1 ? 'was' : 'were'} not sent.`,
      { modal: true, detail: 'Comments go to the agent with Request Changes. An approval leaves them unanswered.' },
      // The first one is what a stray Enter hits.
      'Request Changes…',
      all,
    );
    if (chosen === undefined) return;
    if (chosen !== all) return requestChanges(app, [{ kind: 'decision', repository: target.repository.key, task: target.task, decision: target.decision }]);
  }
  await decide(app, target, 'approve');
}

/** Comments that would go along with a request for changes. */
async function openComments(app: App, { repository, task, decision }: DecisionTarget): Promise<number> {
  if (decision.kind !== 'plan' && decision.kind !== 'merge' && decision.kind !== 'code_review') return 0;
  const record = await (await app.repositories.api(repository)).task(task.id);
  return record === undefined ? 0 : openThreads(record, decision.kind === 'plan' ? 'plan' : 'change').length;
}

export async function reject(app: App, args: readonly unknown[]): Promise<void> {
  const target = await decisionTarget(app, 'reject', args, 'Reject');
  if (target === undefined) return;
  const denies = target.decision.kind === 'permission';
  const text = await askText(
    denies ? `Deny: ${permissionSummary(target.decision)}` : `Reject ${target.task.id}`,
    denies ? 'What should the agent do instead? (may be empty)' : 'Why? The task ends as failed; its branch stays. (may be empty)',
  );
  if (text !== undefined) await decide(app, target, 'reject', { text: text === '' ? undefined : text });
}

export async function requestChanges(app: App, args: readonly unknown[]): Promise<void> {
  const target = await decisionTarget(app, 'request_changes', args, 'Request Changes');
  if (target === undefined) return;
  const comments = await openComments(app, target);
  const words =
    comments === 0
      ? await askText(`Request changes of ${target.task.id}`, 'What should be different? The agent reads this next.', 'Say what should be different.')
      : await askText(`Request changes of ${target.task.id}`, `${plural(comments, 'comment')} of yours ${comments === 1 ? 'goes' : 'go'} along. Anything else? (may be empty)`);
  if (words !== undefined) await decide(app, target, 'request_changes', { text: words === '' ? undefined : words });
}

/** Opens what a decision is about, where it can be judged. */
export async function openDecision(app: App, args: readonly unknown[]): Promise<void> {
  const target = namedDecision(app, args[0]);
  if (target === undefined) return;
  const { repository, task, decision } = target;
  switch (decision.kind) {
    case 'permission':
    case 'question':
    case 'budget':
      return answer(app, args);
    case 'plan':
      return app.pages.show('plan', repository, task.id);
    case 'merge':
    case 'code_review':
      return app.reviews.open(repository, task);
    case 'start':
      return app.pages.show('report', repository, task.id);
  }
}

/** Answers an agent's question or permission request. */
export async function answer(app: App, args: readonly unknown[]): Promise<void> {
  const target = namedDecision(app, args[0]) ?? (await pickQuestion(app, args));
  if (target === undefined) return;
  if (agentQuestions(target.decision).length > 0) return answerAgent(app, target);
  if (target.decision.kind === 'permission') return answerPermission(app, target);
  if (target.decision.kind === 'budget') return answerBudget(app, target);
  return answerQuestion(app, target);
}

/** Whether and how to go on with a task that Baton could not bring further by itself. */
async function answerQuestion(app: App, target: DecisionTarget): Promise<void> {
  const { repository, task, decision } = target;
  const node = { kind: 'decision', repository: repository.key, task, decision };
  const items = [
    { label: '$(output) Show the Report', detail: oneLine(decision.question, 160), act: 'show' },
    { label: '$(check) Go On', act: 'go' },
    { label: '$(edit) Go On with Instructions…', description: 'the agent reads them first', act: 'instruct' },
    { label: '$(close) Reject…', description: 'the task ends as failed', act: 'reject' },
    { label: '$(comment) Open Transcript', description: 'what the agent did so far', act: 'transcript' },
  ] as const;
  const picked = await vscode.window.showQuickPick<(typeof items)[number]>(items, { title: `${task.id}: ${decision.question}`, placeHolder: 'What should happen?' });
  switch (picked?.act) {
    case 'show':
      return app.pages.show('report', repository, task.id);
    case 'go':
      return decide(app, target, 'approve');
    case 'instruct':
      return requestChanges(app, [node]);
    case 'reject':
      return reject(app, [node]);
    case 'transcript':
      if (task.attempt_id !== null) await app.transcripts.open(repository.root, task.id, task.attempt_id);
      return;
    case undefined:
      return;
  }
}

/** Raise the budget, go on for less, or stop. Looking comes first, so that a stray Enter spends nothing. */
async function answerBudget(app: App, target: DecisionTarget): Promise<void> {
  const { repository, task, decision } = target;
  const { scope, limit_usd, spent_usd, reserve_usd, suggested_usd, cheaper } = budgetDetail(decision);
  const items = [
    { label: '$(output) Show the Report', detail: `${formatMoney(spent_usd)} of ${formatMoney(limit_usd)} spent; the next attempt reserves ${formatMoney(reserve_usd)}`, act: 'show' },
    { label: `$(arrow-up) Raise to ${formatMoney(suggested_usd)}`, act: 'raise' },
    { label: '$(edit) Raise to Another Amount…', act: 'amount' },
    ...(cheaper === null ? [] : [{ label: `$(arrow-down) Go On with ${cheaper}`, description: `for less, up to ${formatMoney(suggested_usd)}`, act: 'cheaper' }]),
    scope === 'task' ? { label: '$(close) Stop the Task…', description: 'it ends as failed; its branch stays', act: 'stop' } : { label: '$(clock) Leave It', description: 'what the budget holds waits until 00:00 UTC', act: 'leave' },
  ] as const;
  const picked = await vscode.window.showQuickPick<(typeof items)[number]>(items, { title: oneLine(decision.question, 160), placeHolder: 'How should it go on?' });
  switch (picked?.act) {
    case 'show':
      return app.pages.show('report', repository, task.id);
    case 'raise':
      return decide(app, target, 'approve');
    case 'cheaper':
      return decide(app, target, 'approve', { input: { cheaper: true } });
    case 'amount': {
      const least = spent_usd + reserve_usd;
      const amount = await vscode.window.showInputBox({
        title: `New budget, in dollars: ${task.id}`,
        prompt: `At least ${formatMoney(least)}`,
        value: String(suggested_usd),
        ignoreFocusOut: true,
        validateInput: (text) => (Number(text) >= least ? undefined : `An amount of at least ${formatMoney(least)} is needed.`),
      });
      if (amount !== undefined) await decide(app, target, 'approve', { input: { budget_usd: Number(amount) } });
      return;
    }
    case 'stop':
      return reject(app, [{ kind: 'decision', repository: repository.key, task, decision }]);
    case 'leave':
      return decide(app, target, 'reject');
    default:
  }
}

/** Puts the agent's own questions, one after another; answering none leaves the decision open. */
async function answerAgent(app: App, target: DecisionTarget): Promise<void> {
  const answers: Record<string, string> = {};
  for (const { question, options, many } of agentQuestions(target.decision)) {
    const answer = await askAgentQuestion(target.task.id, question, options, many);
    if (answer === undefined) return;
    answers[question] = answer;
  }
  await decide(app, target, 'approve', { input: { ...permissionInput(target.decision), answers } });
}

async function askAgentQuestion(
  taskId: string,
  question: string,
  options: readonly { readonly label: string; readonly description: string }[],
  many: boolean,
): Promise<string | undefined> {
  if (many) {
    const picked = await vscode.window.showQuickPick(options, { title: question, placeHolder: `${taskId} asks`, canPickMany: true, ignoreFocusOut: true });
    return picked?.map(({ label }) => label).join(', ');
  }
  // Words of one's own come first: the one entry that answers nothing by a stray Enter.
  const other = { label: 'Answer in Your Own Words…', description: '', own: true };
  const picked = await vscode.window.showQuickPick([other, ...options.map((option) => ({ ...option, own: false }))], { title: question, placeHolder: `${taskId} asks`, ignoreFocusOut: true });
  return picked?.own === true ? askText(`${taskId} asks`, question, 'Say something: the agent waits for words.') : picked?.label;
}

async function answerPermission(app: App, target: DecisionTarget): Promise<void> {
  const { repository, task, decision } = target;
  const command = commandOf(decision);
  // What does not fit on a line must not slip through unseen.
  const whole = command !== undefined && permissionSummary(decision) === command;
  const rule = ruleOf(decision);
  // Looking comes first, so that a stray Enter looks and never allows.
  const items = [
    { label: '$(eye) Show the Whole Request', detail: command ?? permissionSummary(decision), act: 'show' },
    { label: '$(check) Allow', description: whole ? 'this once' : 'this once; the request is longer than shown here', act: 'allow' },
    ...(command === undefined || decision.detail['editable'] === false ? [] : [{ label: '$(edit) Allow with Edited Command…', act: 'edit' }]),
    // What would be allowed is shown before it is written.
    ...(rule === undefined
      ? []
      : [
          { label: '$(checklist) Always Allow in This Task', description: ruleText(rule), act: 'task' },
          { label: '$(repo) Always Allow in This Repository', description: `writes ${ruleText(rule)} into .baton/orchestrator.yaml`, act: 'repository' },
        ]),
    { label: '$(close) Deny…', description: 'with a message to the agent', act: 'deny' },
    { label: '$(comment) Open Transcript', description: 'what the agent did so far', act: 'transcript' },
  ] as const;
  const picked = await vscode.window.showQuickPick<(typeof items)[number]>(items, {
    title: `${task.id}: ${decision.question}`,
    placeHolder: 'The agent waits for you',
  });
  switch (picked?.act) {
    case 'show':
      return app.pages.show('permission', repository, task.id, decision.id);
    case 'allow':
      return decide(app, target, 'approve');
    case 'task':
    case 'repository':
      return decide(app, target, 'approve', { always: picked.act });
    case 'edit': {
      const edited = await vscode.window.showInputBox({
        title: `Allow with edited command: ${task.id}`,
        prompt: 'The agent runs this instead, once.',
        ...(command === undefined ? {} : { value: command }),
        ignoreFocusOut: true,
        validateInput: (text) => (text.trim() === '' ? 'A command is needed. To refuse, choose Deny.' : undefined),
      });
      if (edited !== undefined) await decide(app, target, 'approve', { input: { ...permissionInput(decision), command: edited } });
      return;
    }
    case 'deny':
      return reject(app, [{ kind: 'decision', repository: repository.key, task, decision }]);
    case 'transcript':
      if (task.attempt_id !== null) await app.transcripts.open(repository.root, task.id, task.attempt_id);
      return;
    case undefined:
      return;
  }
}

async function pickQuestion(app: App, args: readonly unknown[]): Promise<DecisionTarget | undefined> {
  const target = await taskFor(app, 'answer', args, 'Answer Request');
  const decision = target?.task.decisions.find((one) => one.status === 'open' && isAnswered(one));
  return target === undefined || decision === undefined ? undefined : { ...target, decision };
}

function namedDecision(app: App, node: unknown): DecisionTarget | undefined {
  const target = targetOf(app, node);
  if (target === undefined || typeof node !== 'object' || node === null || !('decision' in node)) return undefined;
  const { id } = node.decision as Decision;
  const decision = target.task.decisions.find((one) => one.id === id && one.status === 'open');
  if (decision !== undefined) return { ...target, decision };
  void vscode.window.showInformationMessage(`${target.task.id} does not wait for that any more.`);
  return undefined;
}

async function decide(app: App, target: DecisionTarget, verdict: Verdict, { text, input, always }: Answer = {}): Promise<void> {
  const { repository, task, decision } = target;
  const reply = await app.repositories.send(repository, {
    type: 'decide',
    task_id: task.id,
    decision_id: decision.id,
    verdict,
    text,
    input,
    always,
    by: userInfo().username,
    via: 'vscode',
  });
  app.log.info(`${decisionTitle(decision)} of ${task.id}: ${verdict}. ${withoutIcon(reply.message)}`);
  confirm(reply);
}

/** One line of text; undefined when the user turned away. With `needed`, an empty line is not taken. */
function askText(title: string, prompt: string, needed?: string): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title,
    prompt,
    ignoreFocusOut: true,
    ...(needed === undefined ? {} : { validateInput: (text: string) => (text.trim() === '' ? needed : undefined) }),
  });
}
