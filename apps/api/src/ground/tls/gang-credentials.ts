// The package's dependency injection needs this import before any other.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { AttemptPlan } from '@millrace/contracts';
import { isLoopback, rankUri, splitHostPort } from '@millrace/core';
import { ALGORITHM, keyPem, lifetime, newKeys, pemText, serialNumber } from './certificate-parts';

/**
 * Links of an attempt are opened again for as long as it lives, which may be months. A certificate is used until the
 * end of its attempt, when agents forget it, and not until its date.
 */
const CREDENTIAL_DAYS = 3_650;
const NAME = 'CN=Millrace attempt';

/** What one rank shows its peers, and what it checks theirs with, in PEM. */
export interface RankCredential {
  readonly authority: string;
  readonly certificate: string;
  readonly privateKey: string;
}

export interface GangIdentity {
  readonly runId: string;
  readonly fence: number;
  readonly peers: AttemptPlan['peers'];
}

/**
 * Makes an authority for one attempt and a certificate for each rank under it; index = rank. The authority's own key is
 * dropped at once, so that nobody can ever make another certificate for the attempt. None are made if every peer is on
 * this machine, or if there is only one rank.
 */
export async function makeGangCredentials(gang: GangIdentity, nowMs: number): Promise<readonly RankCredential[]> {
  const isAtHome = gang.peers.every(({ address }) => isLoopback(splitHostPort(address).host));
  if (isAtHome || gang.peers.length < 2) return [];
  const keys = await newKeys();
  const authority = await x509.X509CertificateGenerator.createSelfSigned(
    {
      ...lifetime(nowMs, CREDENTIAL_DAYS),
      serialNumber: serialNumber(),
      name: NAME,
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const issuer = { authority, signingKey: keys.privateKey, nowMs };
  const credentials: RankCredential[] = [];
  for (const { rank } of gang.peers) credentials[rank] = await issue(issuer, rankUri({ ...gang, rank }));
  return credentials;
}

interface Issuer {
  readonly authority: x509.X509Certificate;
  readonly signingKey: webcrypto.CryptoKey;
  readonly nowMs: number;
}

/** A rank is a server to some of its peers and a client to others. */
async function issue({ authority, signingKey, nowMs }: Issuer, uri: string): Promise<RankCredential> {
  const { publicKey, privateKey } = await newKeys();
  const certificate = await x509.X509CertificateGenerator.create(
    {
      ...lifetime(nowMs, CREDENTIAL_DAYS),
      serialNumber: serialNumber(),
      subject: 'CN=Millrace rank',
      issuer: authority.subject,
      signingAlgorithm: ALGORITHM,
      publicKey,
      signingKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }]),
        await x509.AuthorityKeyIdentifierExtension.create(authority, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return {
    authority: pemText(authority.toString('pem')),
    certificate: pemText(certificate.toString('pem')),
    privateKey: await keyPem(privateKey),
  };
}
