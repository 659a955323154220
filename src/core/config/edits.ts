/** A configuration as written, with parts left out or replaced, that still knows where each part came from. */
import { isRecord, type Path } from '../yamlText.ts';

export class Edits {
  private readonly source: unknown;
  private readonly removed = new Set<string>();
  private readonly replaced = new Map<string, unknown>();
  /** By the key of a list's source path: the source index of each item that is left. */
  private readonly kept = new Map<string, number[]>();

  constructor(source: unknown) {
    this.source = source;
  }

  remove(path: Path): void {
    this.removed.add(keyOf(path));
  }

  /** Puts another value in the place of one that is there. */
  replace(path: Path, value: unknown): void {
    this.replaced.set(keyOf(path), value);
  }

  isRemoved(path: Path): boolean {
    return path.some((_, index) => this.removed.has(keyOf(path.slice(0, index + 1))));
  }

  isReplaced(path: Path): boolean {
    return this.replaced.has(keyOf(path));
  }

  /** The value that was written at a source path. */
  get(path: Path): unknown {
    let value = this.source;
    for (const key of path) {
      if (Array.isArray(value)) value = value[Number(key)] as unknown;
      else if (isRecord(value)) value = value[key];
      else return undefined;
    }
    return value;
  }

  /** The configuration as edited. Lists close their gaps; `sourcePath` undoes that. */
  result(): unknown {
    this.kept.clear();
    return this.copy(this.source, []);
  }

  /** The path in the source of a path in the last result. */
  sourcePath(path: Path): Path {
    const source: (string | number)[] = [];
    for (const key of path) {
      const indices = this.kept.get(keyOf(source));
      source.push(typeof key === 'number' && indices ? (indices[key] ?? key) : key);
    }
    return source;
  }

  private copy(value: unknown, path: Path): unknown {
    const key = keyOf(path);
    if (this.replaced.has(key)) return this.replaced.get(key);
    if (Array.isArray(value)) {
      const indices = value.map((_, index) => index).filter((index) => !this.removed.has(keyOf([...path, index])));
      this.kept.set(key, indices);
      return indices.map((index) => this.copy(value[index] as unknown, [...path, index]));
    }
    if (!isRecord(value)) return value;
    const entries = Object.entries(value).filter(([name]) => !this.removed.has(keyOf([...path, name])));
    return Object.fromEntries(entries.map(([name, item]) => [name, this.copy(item, [...path, name])]));
  }
}

function keyOf(path: Path): string {
  return JSON.stringify(path.map(String));
}
