import { ORACLE_SETTINGS, type OracleSettings } from './gpt2-oracle';

export const LLAMA_ORACLE_FILE = 'llama-oracle.json';

export const LLAMA_SETTINGS: OracleSettings = {
  ...ORACLE_SETTINGS,
  model: {
    family: 'llama',
    layers: 4,
    heads: 6,
    kvHeads: 2,
    headSize: 6,
    hidden: 30,
    ffn: 50,
    context: 11,
    vocab: 37,
    tieEmbeddings: false,
    normEps: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 8 },
  },
  clip: 1.2,
};
