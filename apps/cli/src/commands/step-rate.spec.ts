import { expect, it } from 'vitest';
import { StepRate } from './step-rate';

it('is unknown until two steps were seen, then the mean of the window', () => {
  const rate = new StepRate();
  expect(rate.stepsPerSecond()).toBeNaN();
  rate.observe(1, 1000);
  expect(rate.stepsPerSecond()).toBeNaN();
  rate.observe(2, 1500);
  rate.observe(5, 3000);
  expect(rate.stepsPerSecond()).toBe(2);
});

it('starts anew when a new attempt goes back to a checkpoint', () => {
  const rate = new StepRate();
  rate.observe(10, 0);
  rate.observe(20, 1000);
  rate.observe(11, 5000);
  rate.observe(13, 6000);
  expect(rate.stepsPerSecond()).toBe(2);
});
