import assert from 'node:assert/strict';
import fc from 'fast-check';
import { configSchema, defaultConfig } from '../../../src/core/config/schema.ts';
import { explainScore, scorePriority, type PriorityScore } from '../../../src/core/priority.ts';
import type { TaskDefinition } from '../../../src/core/task.ts';

const NOW = Date.parse('2026-11-18T12:00:00.000Z');
const DAY = 86_400_000;
const CONFIG = configSchema.parse({ vip_senders: ['ceo@company.com', 'board@company.com', 'legal@company.com'], client_senders: ['ann@buyer.example'] });

const score = (task: Partial<TaskDefinition>, options: { age?: number; config?: typeof CONFIG; offset?: number } = {}): PriorityScore =>
  scorePriority(
    { id: 't', goal: 'hello world', ...task },
    {
      config: options.config ?? CONFIG,
      now: NOW,
      firstSeen: NOW - (options.age ?? 0) * DAY,
      ...(options.offset === undefined ? {} : { utcOffsetMinutes: options.offset }),
    },
  );
const due = (ms: number): string => new Date(NOW + ms).toISOString();

describe('The priority score', () => {
  describe('has the golden values of the specification', () => {
    const golden: readonly (readonly [string, Partial<TaskDefinition>, number, number])[] = [
      ['a plain task', {}, 0, 2.1],
      ['"ASAP please"', { goal: 'ASAP please' }, 0, 2.5],
      ['a no-rush newsletter', { goal: 'No-rush newsletter' }, 0, 1.3],
      ['"by Friday"', { goal: 'hello world by Friday' }, 0, 3.0],
      ['"by next week"', { goal: 'hello world by next week' }, 0, 2.7],
      ['"by end of month"', { goal: 'hello world by end of month' }, 0, 2.4],
      ['a client sender', { sender: 'bob@client.example' }, 0, 2.7],
      ['a sender of a VIP\'s domain', { sender: 'bob@company.com' }, 0, 2.4],
      ['a plain task aged 1.5 days', {}, 1.5, 2.35],
      ['a plain task aged 4 days', {}, 4, 2.6],
      ['a plain task aged 8 days', {}, 8, 3.1],
    ];
    for (const [name, task, age, expected] of golden) {
      it(`${name} scores ${expected}`, () => {
        assert.equal(score(task, { age }).score, expected);
      });
    }
  });

  describe('urgency (row 102)', () => {
    const table: readonly (readonly [string, number])[] = [
      ['URGENT: server down', 5],
      ['this is urgent', 5],
      ['do it asap', 4],
      ['ASAP!', 4],
      ['a High Priority item', 4],
      ['a high-priority item', 4],
      ['low priority cleanup', 2],
      ['whenever you can', 1],
      ['no rush', 1],
      ['no-rush newsletter', 1],
      ['🔴 outage', 5],
      ['🟠 soon', 4],
      ['🟡 normal', 3],
      ['🟢 later', 2],
      ['hello world', 3],
    ];
    for (const [goal, value] of table) it(`"${goal}" is ${value}`, () => assert.equal(score({ goal }).urgency, value));

    for (const goal of ['study the insurgents', 'rename urgency', 'act urgently', 'asapply the patch', 'urgent_queue grows', 'nonurgent', 'yellow prioritys']) {
      it(`"${goal}" has no keyword, only a part of one`, () => assert.equal(score({ goal }).urgency, 3));
    }
    for (const goal of ['not urgent', 'Not urgent at all', "this isn't urgent", 'this isn’t really that urgent', 'non-urgent fix', 'not high priority', 'no high priority', 'nothing urgent', 'never urgent', 'not ASAP', 'not low priority']) {
      it(`"${goal}" is negated and does not count`, () => assert.equal(score({ goal }).urgency, 3));
    }
    it('a negation of another sentence does not reach the keyword', () => {
      assert.equal(score({ goal: 'They said no. Urgent!' }).urgency, 5);
      assert.equal(score({ goal: 'Do not touch the API, urgent' }).urgency, 5);
    });
    it('reads goal and description, and the highest found wins', () => {
      assert.equal(score({ goal: 'low priority', description: 'was low, now ASAP' }).urgency, 4);
      assert.equal(score({ goal: 'not urgent', description: 'no rush' }).urgency, 1);
      assert.equal(score({ goal: '🟢 tidy', description: 'urgent' }).urgency, 5);
    });
    it('the stated priority wins over every word', () => {
      for (const [priority, value] of [['urgent', 5], ['high', 4], ['medium', 3], ['low', 2]] as const) {
        assert.equal(score({ goal: 'URGENT 🔴 no rush', priority }).urgency, value);
      }
    });
  });

  describe('deadline (row 103)', () => {
    const HOUR = 3_600_000;
    const table: readonly (readonly [string, number, number])[] = [
      ['past', -HOUR, 5],
      ['just under 24 h away', DAY - 1, 5],
      ['24 h away', DAY, 4],
      ['just under 3 days away', 3 * DAY - 1, 4],
      ['3 days away', 3 * DAY, 3],
      ['just under 7 days away', 7 * DAY - 1, 3],
      ['7 days away', 7 * DAY, 2],
      ['just under 31 days away', 31 * DAY - 1, 2],
      ['31 days away', 31 * DAY, 1],
    ];
    for (const [name, ms, value] of table) it(`a date ${name} is ${value}`, () => assert.equal(score({ deadline: due(ms) }).deadline, value));

    const words: readonly (readonly [string, number])[] = [
      ['today', 5], ['EOD', 5], ['by EOD', 5], ['end of day', 5],
      ['tomorrow', 4], ['end of week', 4], ['by the end of the week', 4], ['this week', 4], ['by Friday', 4], ['by monday', 4],
      ['next week', 3], ['by next week', 3], ['by next Friday', 3],
      ['end of month', 2], ['by end of month', 2], ['next month', 2],
      ['some day', 1],
    ];
    for (const [text, value] of words) {
      it(`"${text}" is ${value}, as a deadline and within a goal`, () => {
        assert.equal(score({ deadline: text }).deadline, value);
        assert.equal(score({ goal: `Fix it ${text}, please` }).deadline, value);
      });
    }
    it('a weekday alone is a deadline only in the deadline key', () => {
      assert.equal(score({ deadline: 'Friday' }).deadline, 4);
      assert.equal(score({ goal: 'Remove the Friday greeting' }).deadline, 1);
    });
    it('parts of words and negated words are no deadline', () => {
      for (const goal of ['todayish', 'geodata', 'bystander Fridays', 'not today', 'nextweek']) assert.equal(score({ goal }).deadline, 1, goal);
    });
    it('a date in the text counts where it is called a deadline', () => {
      assert.equal(score({ goal: 'Ship by 2026-11-19' }).deadline, 4);
      assert.equal(score({ goal: 'Port the 2026-11-19 fix' }).deadline, 1);
    });
    it('the deadline key wins over the text, and what it does not understand counts as none', () => {
      assert.equal(score({ goal: 'today', deadline: 'next month' }).deadline, 2);
      const odd = score({ goal: 'today', deadline: '2026-02-31' });
      assert.equal(odd.deadline, 1);
      assert.match(odd.because.deadline, /2026-02-31.*not understood/);
    });
    it('a date without a time is due when that day is over in the stated zone', () => {
      assert.equal(score({ deadline: '2026-11-18' }).deadline, 5);
      assert.equal(score({ deadline: '2026-11-19' }).deadline, 4);
      // At UTC+13 the 19th ends at 11:00 UTC, 23 hours from now; at UTC-10 the 18th ends 22 hours from now.
      assert.equal(score({ deadline: '2026-11-19' }, { offset: 13 * 60 }).deadline, 5);
      assert.equal(score({ deadline: '2026-11-19T12:00' }, { offset: -60 }).deadline, 4);
      assert.equal(score({ deadline: '2026-11-19T12:00+01:00' }, { offset: -600 }).deadline, 5);
    });
    it('a nearer date never scores lower (property)', () => {
      fc.assert(
        fc.property(fc.integer({ min: -60 * 24 * 60, max: 60 * 24 * 60 }), fc.nat(60 * 24 * 60), (near, further) => {
          const [a, b] = [score({ deadline: due(near * 60_000) }), score({ deadline: due((near + further) * 60_000) })];
          assert.ok(a.deadline >= b.deadline && a.score >= b.score);
        }),
      );
    });
    it('a nearer day never scores lower than a later one, whatever the zone (property)', () => {
      const day = (n: number): string => new Date(NOW + n * DAY).toISOString().slice(0, 10);
      fc.assert(
        fc.property(fc.integer({ min: -40, max: 40 }), fc.nat(40), fc.integer({ min: -720, max: 840 }), (near, further, offset) => {
          assert.ok(score({ deadline: day(near) }, { offset }).score >= score({ deadline: day(near + further) }, { offset }).score);
        }),
      );
    });
  });

  describe('sender (rows 83, 104)', () => {
    it('VIP scores over client, client over a VIP\'s domain, that over everybody else', () => {
      assert.equal(score({ sender: 'ceo@company.com' }).sender, 5);
      assert.equal(score({ sender: 'ann@buyer.example' }).sender, 4);
      assert.equal(score({ sender: 'bob@bigclient.example' }).sender, 4);
      assert.equal(score({ sender: 'bob@company.com' }).sender, 3);
      assert.equal(score({ sender: 'bob@elsewhere.example' }).sender, 2);
      assert.equal(score({}).sender, 2);
    });
    it('reads addresses with names and without regard to case', () => {
      assert.equal(score({ sender: 'The Boss <CEO@Company.com>' }).sender, 5);
      assert.equal(score({ sender: 'notceo@company.com' }).sender, 3);
      assert.equal(score({ sender: 'ceo@company.com.evil.example' }).sender, 2);
    });
    it('a VIP task outranks an identical one by 10 plus nothing else hidden', () => {
      const vip = score({ sender: 'ceo@company.com' });
      assert.equal(vip.vip_bonus, 10);
      assert.equal(vip.score, vip.base_score + 10);
      assert.equal(vip.score, 13);
    });
    it('the weakest VIP task outranks the strongest other one', () => {
      const weakest = score({ sender: 'legal@company.com', goal: 'no rush' });
      const strongest = score({ sender: 'x@client.example', goal: 'URGENT today' }, { age: 100 });
      assert.ok(weakest.score > strongest.score);
    });
  });

  describe('age (row 58)', () => {
    for (const [days, boost] of [[0.99, 0], [1, 0.25], [2.99, 0.25], [3, 0.5], [6.99, 0.5], [7, 1], [13.99, 1], [14, 2], [29.99, 2], [30, 4]] as const) {
      it(`${days} days add ${boost}`, () => assert.equal(score({}, { age: days }).age_boost, boost));
    }
    it('counts from created_at where there is one, else from when first seen', () => {
      assert.equal(score({ created_at: new Date(NOW - 8 * DAY).toISOString() }, { age: 40 }).age_boost, 1);
      assert.equal(score({ created_at: 'long ago' }, { age: 8 }).age_boost, 1);
      assert.equal(score({ created_at: new Date(NOW + DAY).toISOString() }).age_boost, 0);
    });
    it('an older task never scores lower than an equal newer one (property)', () => {
      fc.assert(
        fc.property(fc.double({ min: 0, max: 60, noNaN: true }), fc.double({ min: 0, max: 60, noNaN: true }), fc.constantFrom('no rush', 'x', 'URGENT'), (a, b, goal) => {
          assert.ok(score({ goal }, { age: Math.max(a, b) }).score >= score({ goal }, { age: Math.min(a, b) }).score);
        }),
      );
    });
  });

  describe('weights (rows 80–82)', () => {
    const weighted = (urgency: number, deadline: number, sender: number): typeof CONFIG =>
      configSchema.parse({ priority_weights: { urgency, deadline, sender }, vip_senders: CONFIG.vip_senders });
    it('each weight changes the score through its own component', () => {
      const task = { goal: 'URGENT', deadline: 'next week', sender: 'bob@company.com' };
      assert.equal(score(task, { config: weighted(1, 0, 0) }).score, 5);
      assert.equal(score(task, { config: weighted(0, 1, 0) }).score, 3);
      assert.equal(score(task, { config: weighted(0, 0, 1) }).score, 3);
      assert.equal(score(task, { config: weighted(0.5, 0.5, 0) }).score, 4);
    });
    it('must sum to 1', () => {
      assert.equal(configSchema.safeParse({ priority_weights: { urgency: 0.5 } }).success, false);
      assert.equal(configSchema.safeParse({ priority_weights: { urgency: 0.5, deadline: 0.25, sender: 0.25 } }).success, true);
    });
  });

  it('the base score stays within 1 and 5 for every task (property)', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.double({ min: 0, max: 400, noNaN: true }), (goal, description, age) => {
        const { base_score } = score({ goal, description }, { age });
        assert.ok(base_score >= 1 && base_score <= 5);
      }),
    );
  });

  it('explains itself line by line', () => {
    const vip = score({ goal: 'URGENT: fix it by Friday', sender: 'ceo@company.com' }, { age: 31 });
    assert.deepEqual(explainScore(vip), [
      'score 15 = 5 + 10 for a VIP sender',
      'urgency 5 × 0.4 = 2 ("URGENT")',
      'deadline 4 × 0.3 = 1.2 ("by Friday")',
      'sender 5 × 0.3 = 1.5 (ceo@company.com is a VIP)',
      'age boost 4 (31 days old)',
      'sum 8.7, kept between 1 and 5',
    ]);
    assert.deepEqual(vip.explanation, explainScore(vip));
    assert.deepEqual(scorePriority({ id: 't', goal: 'hello' }, { config: defaultConfig(), now: NOW, firstSeen: NOW }).explanation, [
      'score 2.1',
      'urgency 3 × 0.4 = 1.2 (no urgency words)',
      'deadline 1 × 0.3 = 0.3 (no deadline)',
      'sender 2 × 0.3 = 0.6 (no sender)',
      'age boost 0 (less than a day old)',
    ]);
  });
});
