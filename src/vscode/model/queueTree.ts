/** What the tree shows now, so that only what looks different is drawn again. */
import { gateChildren, groupChildren, presentNode, queueRoots, repositoryChildren, taskChildren, PAGE, type QueueNode, type QueueRepository } from './queue.ts';

export interface TreeLooks {
  /** How each node that can be seen looks, by id; a task with what is in it. */
  readonly looks: ReadonlyMap<string, string>;
  /** Which nodes stand where: another structure is drawn as a whole. */
  readonly structure: string;
}

/** Children that are known without asking the engine; a group shows as many tasks as `limits` say by its id. */
export function childrenOf(node: QueueNode, limits: ReadonlyMap<string, number>, now: number): QueueNode[] {
  switch (node.kind) {
    case 'repository':
      return repositoryChildren(node.repository, now);
    case 'group':
      return groupChildren(node, limits.get(node.id) ?? PAGE);
    case 'task':
      return taskChildren(node);
    default:
      return [];
  }
}

/** `keep` gives for new nodes those that stand for them in the view. */
export function treeLooks(repositories: readonly QueueRepository[], limits: ReadonlyMap<string, number>, keep: <Node extends QueueNode>(nodes: Node[]) => Node[], now: number): TreeLooks {
  const looks = new Map<string, string>();
  const ids: string[] = [];
  const walk = (node: QueueNode): void => {
    const children = keep(childrenOf(node, limits, now));
    const look = JSON.stringify(presentNode(node, now));
    if (node.kind === 'task') {
      // A task is drawn with what is in it, so one change below draws the task's whole branch.
      const below = [...children, ...children.flatMap((child) => (child.kind === 'gates' ? gateChildren(child) : []))];
      looks.set(node.id, [look, node.task.head_sha, ...below.map((child) => JSON.stringify(presentNode(child, now)))].join('\n'));
      return;
    }
    looks.set(node.id, look);
    ids.push(node.id, ...children.map((child) => child.id));
    children.forEach(walk);
  };
  const roots = keep(queueRoots(repositories, now));
  roots.forEach(walk);
  return { looks, structure: [...roots.map(({ id }) => id), '', ...ids].join('\n') };
}
