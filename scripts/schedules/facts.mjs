/**
 * What docs/schedules.md says of each schedule beyond what the code tells by itself. `idle` is per rank by makespan and
 * `span` between a rank's own first and last action where that differs; `domain` is where the property tests of
 * libs/pipeline/src/simulate/closed-forms.spec.ts hold the simulation to it exactly, with random times.
 * `peak` counts micro-batches through a rank's whole share on rank r.
 */
export const FACTS = {
  gpipe: {
    about:
      'All forwards, then all backwards. Backwards ascend, where the paper descends, so that sums have one ' + 'order.',
    source: 'Huang et al. 2019, arXiv:1811.06965',
    idle: '(p-1)(F+B)',
    peak: 'm',
    domain: 'every m and all times',
  },
  '1f1b': {
    about:
      'One forward, one backward in turn, after a warm-up of p-r-1 forwards: the bubble of gpipe with memory ' +
      'that does not grow with m.',
    source: 'Narayanan et al. 2021 (PipeDream-Flush), arXiv:2006.09503',
    idle: '(p-1)(F+B)',
    peak: 'min(p-r, m)',
    domain: 'every m and all times',
  },
  interleaved: {
    chunks: 2,
    about:
      'v chunks per rank, placed round and round; N micro-batches (`groupSize`, p unless told) go through a ' +
      'chunk before the next one. Where N does not divide m the last group is a full one with micro-batches ' +
      'taken out, which never deadlocks, idles longer than the form and stays within the peak. A larger N that ' +
      'divides m keeps the form and takes more memory.',
    source: 'Narayanan et al. 2021 (Megatron-LM), arXiv:2104.04473',
    idle: '(p-1)(F+B)/v',
    peak: '(2(p-r-1) + (v-1)N + 1)/v',
    domain: 'p divides m (N = p), all times',
  },
  'looped-bfs': {
    chunks: 2,
    about:
      'gpipe with chunks: every micro-batch through chunk 0, then every one through chunk 1, and back. Few, ' +
      'large transfers at once; a link holds up to m tensors.',
    source: 'Lamy-Poirier 2023, arXiv:2211.05953',
    idle: '(p-1)(F+B)/v',
    peak: 'm',
    domain: 'm >= p, all times',
  },
  'zb-h1': {
    about:
      '1f1b with W put off by r backwards on rank r, into what was the bubble, within the memory of 1f1b on ' +
      'rank 0.',
    source: 'Qi et al. 2023, arXiv:2401.10241',
    idle: '(p-1)(F+I-W)',
    peak: 'min(p-r, m) until I, min(p, m) until W',
    domain: 'm >= p, W <= min(F, I)',
  },
  'zb-h2': {
    about:
      'Twice the warm-up, W twice as late: no rank idles within its span, but ranks begin and end at different ' +
      'times. Only an optimizer step without a barrier (`optimisticStep`) turns that into time gained.',
    source: 'Qi et al. 2023, arXiv:2401.10241',
    idle: '(p-1) max(F, F+I-2W)',
    span: '(p-1) max(0, F+I-2W)',
    peak: '2(p-r)-1 until I, 2p-1 until W',
    domain: 'm >= 2p-1, W <= min(F, I)',
  },
  'zb-v': {
    about:
      'Two chunks in a V, so that the loss comes back to rank 0: no idle time within the span at the memory of ' +
      '1f1b, the same on all ranks. The last rank hands over to itself.',
    source: 'Qi et al. 2023, arXiv:2401.10241, section 6; Qi et al. 2024, arXiv:2405.15362',
    idle: '(p-1) max(I/2, I-W)',
    span: '(p-1)(I-W)',
    peak: 'p',
    domain: 'm >= 2p-1, W <= F <= I',
  },
  'dualpipe-v': {
    about:
      'The V again; in the steady state the forward of one chunk and the backward of the other are one action ' +
      '[F+B] (framed), so that each hides the transfers of the other. An executor runs it as F, then B. Below ' +
      '2p micro-batches it is the order for 2p with the rest taken out.',
    source: 'DeepSeek-AI 2024, arXiv:2412.19437, and the V-shaped half of it (github.com/deepseek-ai/DualPipe)',
    idle: '(p-1)(F + (I-W)/2)',
    peak: 'p + 1/2',
    domain: 'm >= 2p, W <= I <= F',
  },
  pipedream: {
    about:
      'Asynchronous: no flush, each stage updates after every micro-batch, and the drawing is the beginning and ' +
      'end of an endless run. Rank r keeps p-r weight versions so that W and I see the weights of their F; with ' +
      '`verticalSync` every rank uses the version that rank 0 used, and keeps p.',
    source: 'Narayanan et al. 2019, doi:10.1145/3341301.3359646',
    idle: '(p-1)(F+B), once per run',
    peak: 'min(p-r, m), with as many weight versions',
    domain: 'every m and all times',
  },
  'pipedream-2bw': {
    about:
      'Asynchronous with two weight versions: a step adds up m micro-batches, whose gradients are taken at the ' +
      'weights one update old. A rank is never more than m micro-batches ahead.',
    source: 'Narayanan et al. 2021, arXiv:2006.09503',
    idle: '(p-1)(F+B), once per run',
    peak: 'min(p-r, m+1)',
    domain: 'm >= p-1 and all times',
  },
};
