/**
 * Mean loss, in nats per character, of a model that knows only how often each character occurs. Characters are counted
 * in the first part of the text, with one added to each count; the loss is that of its last `validation` fraction. A
 * model that has learned nothing about order can reach this loss, so that it is the one to beat.
 */
export function unigramLoss(text: string, validation: number): number {
  const characters = [...text];
  const trainCount = characters.length - Math.floor(characters.length * validation);
  const counts = new Map<string, number>(characters.map((character) => [character, 1]));
  const total = trainCount + counts.size;
  for (const character of characters.slice(0, trainCount)) counts.set(character, (counts.get(character) ?? 0) + 1);
  let sum = 0;
  for (const character of characters.slice(trainCount)) sum -= Math.log((counts.get(character) ?? 1) / total);
  return sum / (characters.length - trainCount);
}
