/** A YAML text with its values and the place of each of them. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from 'yaml';
import { messageOf } from './errors.ts';

export type Path = readonly (string | number)[];
/** Counts from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export class YamlText {
  readonly document: Document;
  /** What the text says as plain values; undefined when it is empty or has syntax errors. */
  readonly value: unknown;
  readonly errors: readonly (Position & { readonly message: string })[];
  private readonly lines = new LineCounter();

  constructor(text: string) {
    const document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false, uniqueKeys: true });
    const errors: (Position & { message: string })[] = document.errors.map((error) => ({ ...this.position(error.pos[0]), message: error.message }));
    let value: unknown;
    try {
      value = errors.length > 0 ? undefined : (document.toJS() as unknown);
    } catch (error) {
      // Aliases that refer to nothing, or that multiply beyond all measure.
      errors.push({ line: 1, column: 1, message: messageOf(error) });
    }
    this.document = document;
    this.errors = errors;
    this.value = value ?? undefined;
  }

  /** Where the value at this path begins, or the nearest thing around it that exists. */
  at(path: Path): Position {
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const offset = this.nodeAt(path.slice(0, depth))?.range?.[0];
      if (offset !== undefined) return this.position(offset);
    }
    return { line: 1, column: 1 };
  }

  /** Where the key at the end of this path stands; a list's item has none, so the item itself. */
  keyAt(path: Path): Position {
    const parent = this.nodeAt(path.slice(0, -1));
    const key = pairOf(parent, path.at(-1))?.key as Node | undefined;
    const offset = key?.range?.[0];
    return offset === undefined ? this.at(path) : this.position(offset);
  }

  /** The node at a path, through aliases; undefined where there is none. */
  nodeAt(path: Path): Node | undefined {
    let node: Node | null | undefined = this.document.contents;
    for (const key of path) {
      if (isAlias(node)) node = node.resolve(this.document);
      if (isMap(node)) node = pairOf(node, key)?.value as Node | null | undefined;
      else if (isSeq(node) && typeof key === 'number') node = node.items[key] as Node | undefined;
      else return undefined;
    }
    return node ?? undefined;
  }

  /** A scalar as it was written (`007`, not 7), without quotes; undefined where there is none. */
  sourceOf(path: Path): string | undefined {
    const node = this.nodeAt(path);
    return isScalar(node) ? (node.source ?? String(node.value)) : undefined;
  }

  private position(offset: number): Position {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/** The pair of a map whose key reads like this. */
export function pairOf(node: unknown, key: string | number | undefined): Pair | undefined {
  if (!isMap(node) || key === undefined) return undefined;
  return node.items.find((pair) => (isScalar(pair.key) ? String(pair.key.value) : undefined) === String(key));
}

/** `agents.claude.args[0]` */
export function dotted(path: Path): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
