import assert from 'node:assert/strict';
import { parseQuietHours, quietFor } from '../../../src/core/quietHours.ts';

const at = (hour: number, minute = 0): number => hour * 60 + minute;

describe('Quiet hours', () => {
  it('are a span of the day, over midnight too', () => {
    assert.deepEqual(parseQuietHours('22:00-07:00'), { from: at(22), to: at(7) });
    assert.deepEqual(parseQuietHours(' 9:30 – 12:00 '), { from: at(9, 30), to: at(12) });
    for (const wrong of ['', '22-7', '24:00-07:00', '22:60-07:00', '22:00', '08:00-08:00', 'at night']) assert.equal(parseQuietHours(wrong), undefined, wrong);
  });

  it('say for how long they still last', () => {
    const night = { from: at(22), to: at(7) };
    assert.equal(quietFor(night, at(21, 59)), 0);
    assert.equal(quietFor(night, at(22)), at(9));
    assert.equal(quietFor(night, at(3)), at(4));
    assert.equal(quietFor(night, at(7)), 0);
    const noon = { from: at(12), to: at(13) };
    assert.equal(quietFor(noon, at(12, 15)), 45);
    assert.equal(quietFor(noon, at(13)), 0);
    assert.equal(quietFor(noon, at(3)), 0);
  });
});
