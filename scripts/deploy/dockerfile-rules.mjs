/** What a Dockerfile of ours must keep, in the manner of hadolint. @returns sentences, empty when all is well */
export function dockerfileFaults(text) {
  const lines = text.replaceAll('\\\n', ' ').split('\n');
  const instructions = lines
    .filter((line) => /^[A-Z]+\s/.test(line))
    .map((line) => ({ name: line.split(/\s/, 1)[0], rest: line.replace(/^[A-Z]+\s+/, '').replaceAll(/\s+/g, ' ') }));
  const lastFrom = instructions.findLastIndex(({ name }) => name === 'FROM');
  const stage = instructions.slice(lastFrom);
  const of = (name, among = instructions) => among.filter((each) => each.name === name).map(({ rest }) => rest);
  const faults = [];
  const rule = (ok, sentence) => void (ok || faults.push(sentence));
  rule(
    of('FROM').every((rest) => /:[\w.-]+/.test(rest) && !/:latest\b/.test(rest)),
    'FROM names a version',
  );
  rule(
    /^\d+(:\d+)?$/.test(of('USER', stage).at(-1) ?? ''),
    'the last stage runs as a numeric user, so that runAsNonRoot can check it',
  );
  rule(!/^0(:|$)/.test(of('USER', stage).at(-1) ?? '0'), 'the last stage does not run as root');
  rule(of('HEALTHCHECK', stage).length === 1, 'the last stage has one HEALTHCHECK');
  rule(
    [...of('ENTRYPOINT', stage), ...of('CMD', stage)].every((rest) => rest.startsWith('[')),
    'ENTRYPOINT and CMD are in exec form',
  );
  rule(of('ENTRYPOINT', stage).length === 1, 'the last stage has one ENTRYPOINT');
  rule(of('ADD').length === 0, 'COPY instead of ADD');
  rule(!/\bsudo\b|curl[^|]*\|\s*(ba)?sh/.test(text), 'no sudo, and nothing from the network into a shell');
  rule(
    of('WORKDIR').every((rest) => rest.startsWith('/')),
    'WORKDIR is absolute',
  );
  for (const run of of('RUN').filter((rest) => rest.includes('apt-get install'))) {
    rule(
      run.includes('apt-get update') && run.includes('rm -rf /var/lib/apt/lists'),
      'apt-get update and the removal of its lists are in the same RUN',
    );
    rule(
      (run.match(/apt-get install/g) ?? []).length ===
        (run.match(/apt-get install -y --no-install-recommends/g) ?? []).length,
      'apt-get install -y --no-install-recommends',
    );
  }
  const copiesLock = instructions.findIndex(({ name, rest }) => name === 'COPY' && rest.includes('package-lock.json'));
  const copiesAll = instructions.findIndex(({ name, rest }) => name === 'COPY' && rest.startsWith('. '));
  rule(
    copiesLock !== -1 && copiesLock < copiesAll,
    'dependencies are installed before the sources are copied, for the cache',
  );
  return faults;
}
