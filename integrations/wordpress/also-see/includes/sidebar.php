<?php
/** The panel of the block editor: links for the draft, and whether the archive has its story. */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

const ALSO_SEE_DRAFT_SECONDS = 10;

function also_see_editor_scripts(): void {
	$needs  = array( 'wp-api-fetch', 'wp-blocks', 'wp-components', 'wp-data', 'wp-edit-post', 'wp-element', 'wp-i18n', 'wp-plugins' );
	$script = plugins_url( 'sidebar.js', __DIR__ . '/../also-see.php' );
	if ( in_array( get_post_type(), also_see_post_types(), true ) ) {
		wp_enqueue_script( 'also-see-sidebar', $script, $needs, '1.0.0', true );
		wp_set_script_translations( 'also-see-sidebar', 'also-see' );
	}
}

function also_see_draft_route(): void {
	$route = array(
		'methods'             => 'POST',
		'callback'            => 'also_see_draft',
		'permission_callback' => function ( WP_REST_Request $request ) {
			return current_user_can( 'edit_post', (int) $request['id'] );
		},
		'args'                => array(
			'id'    => array( 'type' => 'integer', 'required' => true ),
			'title' => array( 'type' => 'string', 'required' => true ),
			'body'  => array( 'type' => 'string', 'required' => true ),
		),
	);
	register_rest_route( 'also-see/v1', '/draft', $route );
}

/** The service's answer about a draft. The key stays on this server. */
function also_see_draft( WP_REST_Request $request ) {
	$draft  = array(
		'id'    => (string) $request['id'],
		'title' => $request['title'],
		'body'  => $request['body'],
		'limit' => 5,
	);
	$answer = also_see_answer( 'POST', 'links', wp_json_encode( $draft ), ALSO_SEE_DRAFT_SECONDS );
	if ( is_wp_error( $answer ) || 200 !== (int) wp_remote_retrieve_response_code( $answer ) ) {
		$refused  = 403 === (int) wp_remote_retrieve_response_code( $answer );
		$sentence = $refused
			? __( 'The service refuses the key for drafts. It needs the scope look as well.', 'also-see' )
			: also_see_connection_sentence( $answer );
		return new WP_Error( 'also_see', $sentence, array( 'status' => 502 ) );
	}
	$links = json_decode( wp_remote_retrieve_body( $answer ), true );
	return array(
		'items'      => $links['items'] ?? array(),
		'duplicates' => $links['duplicates'] ?? array(),
	);
}

add_action( 'enqueue_block_editor_assets', 'also_see_editor_scripts' );
add_action( 'rest_api_init', 'also_see_draft_route' );
