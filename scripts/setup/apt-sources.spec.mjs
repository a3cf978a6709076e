import { describe, expect, it } from 'vitest';
import { parseAptSources, temporarySources } from './apt-sources.mjs';

const DEB822 = `Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://old.example/debian
Suites: bookworm
Components: main
`;

const ONE_LINE = `# deb http://off.example/debian bookworm main
deb http://vendor.example/php bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/debian.gpg] http://mirror.example/debian bookworm main contrib # here
deb-src http://mirror.example/debian bookworm main
deb http://docker.example/linux/debian bookworm stable
`;

describe('the temporary apt sources', () => {
  it('take backports from where the release itself comes, with its key (.sources)', () => {
    expect(temporarySources(parseAptSources(DEB822, 'deb822'), 'bookworm', 'bookworm-backports')).toBe(`Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian
Suites: bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`);
  });

  it("take Debian's mirror, not another vendor's suite of the same name (.list)", () => {
    const text = temporarySources(parseAptSources(ONE_LINE, 'one-line'), 'bookworm', 'bookworm-backports');
    expect(text.split('\n\n').at(-1)).toBe(`Types: deb
URIs: http://mirror.example/debian
Suites: bookworm-backports
Components: main contrib
Architectures: amd64
Signed-By: /etc/apt/keyrings/debian.gpg
`);
  });

  it('keep an embedded key whole', () => {
    const text =
      'Types: deb\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN KEY-----\n .\n abc\n';
    expect(temporarySources(parseAptSources(text, 'deb822'), 'bookworm', 'bookworm')).toContain(
      'Signed-By: \n -----BEGIN KEY-----\n .\n abc',
    );
  });

  it('add nothing that is there already, and give up without a source of the release', () => {
    const sources = parseAptSources('deb http://m.example/debian trixie main\n', 'one-line');
    expect(temporarySources(sources, 'trixie', 'trixie')?.match(/^Types/gm)).toHaveLength(1);
    expect(temporarySources(sources, 'bookworm', 'bookworm-backports')).toBeUndefined();
  });
});
