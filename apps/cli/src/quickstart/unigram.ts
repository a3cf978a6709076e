/**
 * Mean loss, in nats per character, of the model that knows only how often each character occurs: counted on the first
 * part of the text with one added to each count, tested on its last `validation` fraction. What a model that has
 * learned nothing about order can reach, and so the mark to beat.
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
