/** Certificates for the links of an attempt, as the API makes them. */
export { makeGangCredentials } from '../../../apps/api/src/ground/tls/gang-credentials';
