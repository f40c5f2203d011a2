/**
 * Influence with EK-FAC (George et al. 2018; Grosse et al. 2023): H⁻¹V = Q_S[(Q_SᵀVQ_A) ⊘ (Λ + λ)]Q_Aᵀ layer
 * by layer, Λ the second moments of gradients in the eigenvectors of K-FAC, λ a share of their mean. A weight and its bias
 * are one layer; an embedding has a diagonal A; scales and biases whose weight is not seen have a full matrix.
 * The trap: with the samples' own labels in place of drawn ones Λ vanishes where the model fits, and the damping decides.
 */
import { kroneckerMethod } from './kroneckerMethod.js';

export const ekfacMethod = kroneckerMethod(
  {
    name: 'ekfac',
    source:
      'George et al. 2018, "Fast approximate natural gradient descent in a Kronecker-factored eigenbasis", section 3; Grosse et al. 2023, "Studying large language model generalization with influence functions", section 2.2',
    claim: "by how much the output's loss would rise if the sample were left out and training went on to its optimum",
    scale: "nats of the output's loss, with the curvature of the layers taken apart",
    cost: 'two passes over n samples and the eigenvectors of each layer; 2·m·n·P operations for the scores; no P numbers a sample are held',
    needs: [],
    form: 'bilinear',
    additivity: 'relative',
  },
  'corrected',
);
