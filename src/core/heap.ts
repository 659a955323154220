/** A binary heap: the smallest item first, by the given order. Push and pop are O(log n). */
export class Heap<Item> {
  readonly #items: Item[] = [];
  readonly #before: (a: Item, b: Item) => boolean;

  constructor(before: (a: Item, b: Item) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): Item | undefined {
    return this.#items[0];
  }

  push(item: Item): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as Item;
      if (!this.#before(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  pop(): Item | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#before(items[child + 1] as Item, items[child] as Item)) child += 1;
      const below = items[child] as Item;
      if (!this.#before(below, last)) break;
      items[at] = below;
      at = child;
    }
    items[at] = last;
    return first;
  }
}

/** As a heap, for items that mostly come in order already: those are pushed and popped in O(1). */
export class Line<Item> {
  readonly #late: Heap<Item>;
  readonly #before: (a: Item, b: Item) => boolean;
  #inOrder: Item[] = [];
  #next = 0;

  constructor(before: (a: Item, b: Item) => boolean) {
    this.#before = before;
    this.#late = new Heap(before);
  }

  push(item: Item): void {
    const last = this.#inOrder.at(-1);
    if (this.#next >= this.#inOrder.length) [this.#inOrder, this.#next] = [[item], 0];
    else if (last !== undefined && this.#before(item, last)) this.#late.push(item);
    else this.#inOrder.push(item);
  }

  pop(): Item | undefined {
    const [first, late] = [this.#inOrder[this.#next], this.#late.peek()];
    if (first === undefined || (late !== undefined && this.#before(late, first))) return this.#late.pop();
    this.#next += 1;
    return first;
  }
}
