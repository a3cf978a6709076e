import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Headers for every answer. A page may load things from this origin only, and neither scripts nor style sheets may be
 * inline: the dashboard's libraries set styles by script, which the policy does not restrict, and its editor adds its
 * sheets to a shadow root. Headers that promise TLS are left out where there is none.
 */
export function securityHeaders(tls: boolean): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        // The browser itself adds style attributes to text that is replaced in the YAML editor.
        styleSrcAttr: ["'unsafe-inline'"],
        // The icons of /api/docs are in its style sheet.
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        objectSrc: ["'none'"],
        baseUri: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        ...(tls ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    strictTransportSecurity: tls,
    referrerPolicy: { policy: 'no-referrer' },
  });
}
