// The package's dependency injection needs this import before any other.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import {
  ALGORITHM,
  keyPem,
  lifetime,
  newKeys,
  type PemPair,
  pemText,
  readKey,
  serialNumber,
} from './certificate-parts';

const CA_DAYS = 3_650;
/** Clients accept no longer validity of a certificate under a private authority. */
const CERTIFICATE_DAYS = 397;

export interface CertificateRequest {
  readonly authority: PemPair;
  /** Host names and IP addresses. */
  readonly names: readonly string[];
  readonly nowMs: number;
}

/** Makes a certificate authority of this cluster's own, which signs only the certificates of its servers. */
export async function makeAuthority(nowMs: number): Promise<PemPair> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      ...lifetime(nowMs, CA_DAYS),
      serialNumber: serialNumber(),
      name: `CN=Millrace cluster CA ${randomBytes(4).toString('hex')}`,
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: pemText(certificate.toString('pem')), key: await keyPem(keys.privateKey) };
}

/** Makes a server's certificate for all of `names`. */
export async function makeCertificate({ authority, names, nowMs }: CertificateRequest): Promise<PemPair> {
  const keys = await newKeys();
  const ca = new x509.X509Certificate(authority.certificate);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      ...lifetime(nowMs, CERTIFICATE_DAYS),
      serialNumber: serialNumber(),
      subject: 'CN=Millrace',
      issuer: ca.subject,
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: await readKey(authority.key),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
        ),
        await x509.AuthorityKeyIdentifierExtension.create(ca, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: pemText(certificate.toString('pem')), key: await keyPem(keys.privateKey) };
}
