/**
 * Influence with K-FAC (Martens and Grosse 2015): the curvature of a layer is A ⊗ S, inverted exactly with its damping in the
 * eigenvectors, (A ⊗ S + λI)⁻¹, not by damping the two factors apart as optimisers do. The trap: activations and output
 * gradients are taken as independent, which EK-FAC mends along the same eigenvectors for one more pass.
 */
import { kroneckerMethod } from './kroneckerMethod.js';

export const kfacMethod = kroneckerMethod(
  {
    name: 'kfac',
    source:
      'Martens and Grosse 2015, "Optimizing neural networks with Kronecker-factored approximate curvature", section 3; for influence Grosse et al. 2023, section 2.2',
    claim: "by how much the output's loss would rise if the sample were left out and training went on to its optimum",
    scale: "nats of the output's loss, with the curvature of the layers taken apart",
    cost: 'one pass over n samples and the eigenvectors of each layer; 2·m·n·P operations for the scores; no P numbers a sample are held',
    needs: [],
    form: 'bilinear',
    additivity: 'relative',
  },
  'kronecker',
);
