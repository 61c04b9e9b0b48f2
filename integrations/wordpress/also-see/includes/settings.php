<?php
/**
 * The settings screen: the service's address, key and site, a test of the connection, and all posts
 * sent in batches.
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

const ALSO_SEE_TEST_SECONDS = 10;

/** The constants of wp-config.php, which go before the settings of the screen. */
function also_see_fields(): array {
	return array(
		'url'          => array( 'ALSO_SEE_URL', __( 'Address', 'also-see' ), __( 'As readers’ browsers reach the service.', 'also-see' ) ),
		'key'          => array( 'ALSO_SEE_KEY', __( 'Key', 'also-see' ), __( 'Made by: alsosee keys create --scope ingest --scope look. It never reaches a browser. Leave it empty to keep the key that is stored.', 'also-see' ) ),
		'site'         => array( 'ALSO_SEE_SITE', __( 'Site', 'also-see' ), __( 'The name of this site in the service; usually main.', 'also-see' ) ),
		'internal_url' => array( 'ALSO_SEE_INTERNAL_URL', __( 'Address for this server', 'also-see' ), __( 'Only if this server reaches the service elsewhere.', 'also-see' ) ),
	);
}

function also_see_admin_init(): void {
	register_setting( 'also_see', 'also_see', array( 'sanitize_callback' => 'also_see_checked_settings' ) );
}

/** What the form may store: addresses are http or https, and an empty key keeps the stored one. */
function also_see_checked_settings( $input ): array {
	$stored  = (array) get_option( 'also_see', array() );
	$input   = array_map( 'trim', array_filter( (array) $input, 'is_string' ) );
	$checked = $stored;
	foreach ( array( 'url', 'internal_url' ) as $name ) {
		$address = esc_url_raw( $input[ $name ] ?? '', array( 'http', 'https' ) );
		if ( '' === $address && '' !== ( $input[ $name ] ?? '' ) ) {
			add_settings_error( 'also_see', $name, __( 'An address begins with https:// or http://.', 'also-see' ) );
			continue;
		}
		$checked[ $name ] = $address;
	}
	if ( '' !== ( $input['key'] ?? '' ) ) {
		$checked['key'] = $input['key'];
	}
	$site = ( $input['site'] ?? '' ) === '' ? 'main' : $input['site'];
	if ( preg_match( '/^[A-Za-z0-9_-]+$/', $site ) ) {
		$checked['site'] = $site;
	} else {
		add_settings_error( 'also_see', 'site', __( 'The name of a site has letters, digits, - and _ only.', 'also-see' ) );
	}
	return $checked;
}

function also_see_menu(): void {
	add_options_page( 'Also See', 'Also See', 'manage_options', 'also-see', 'also_see_screen' );
}

function also_see_screen(): void {
	$progress = also_see_progress();
	?>
	<div class="wrap">
		<h1>Also See</h1>
		<form action="options.php" method="post">
			<?php settings_fields( 'also_see' ); ?>
			<table class="form-table" role="presentation">
				<?php array_map( 'also_see_row', array_keys( also_see_fields() ), also_see_fields() ); ?>
			</table>
			<?php submit_button(); ?>
		</form>
		<h2><?php esc_html_e( 'Connection', 'also-see' ); ?></h2>
		<p><button type="button" class="button" id="also-see-test"><?php esc_html_e( 'Test connection', 'also-see' ); ?></button></p>
		<p id="also-see-connection" role="status"></p>
		<h2><?php esc_html_e( 'Posts', 'also-see' ); ?></h2>
		<p id="also-see-unsent"><?php echo esc_html( also_see_unsent_sentence() ); ?></p>
		<p>
			<button type="button" class="button button-primary" id="also-see-send"><?php esc_html_e( 'Send all posts', 'also-see' ); ?></button>
			<span id="also-see-rest" <?php echo $progress['before'] ? '' : 'hidden'; ?>>
				<button type="button" class="button" id="also-see-continue"><?php esc_html_e( 'Continue', 'also-see' ); ?></button>
			</span>
		</p>
		<p><progress id="also-see-progress" hidden></progress></p>
		<p id="also-see-sent" role="status"><?php echo esc_html( $progress['before'] ? also_see_progress_sentence( $progress ) : '' ); ?></p>
	</div>
	<?php
}

function also_see_row( string $name, array $field ): void {
	list( $constant, $label, $help ) = $field;
	$fixed                           = defined( $constant );
	$value                           = 'key' === $name ? '' : also_see_setting( $constant );
	printf(
		'<tr><th scope="row"><label for="also-see-%1$s">%2$s</label></th><td><input id="also-see-%1$s" name="also_see[%1$s]" type="%3$s" class="regular-text" autocomplete="off" value="%4$s" %5$s><p class="description">%6$s</p></td></tr>',
		esc_attr( $name ),
		esc_html( $label ),
		'key' === $name ? 'password' : 'text',
		esc_attr( $value ),
		disabled( $fixed, true, false ),
		esc_html( $fixed ? sprintf( /* translators: the name of a constant */ __( 'Set by %s in wp-config.php.', 'also-see' ), $constant ) : $help )
	);
}

function also_see_admin_scripts( string $screen ): void {
	if ( 'settings_page_also-see' === $screen ) {
		$script = plugins_url( 'settings.js', __DIR__ . '/../also-see.php' );
		wp_enqueue_script( 'also-see-settings', $script, array( 'wp-api-fetch' ), '1.0.0', true );
	}
}

function also_see_routes(): void {
	$allowed = function () {
		return current_user_can( 'manage_options' );
	};
	foreach ( array( 'test', 'send' ) as $name ) {
		$route = array(
			'methods'             => 'POST',
			'callback'            => "also_see_route_$name",
			'permission_callback' => $allowed,
		);
		register_rest_route( 'also-see/v1', "/$name", $route );
	}
}

function also_see_route_test(): array {
	$answer = also_see_answer( 'GET', 'articles?limit=1', null, ALSO_SEE_TEST_SECONDS );
	return array( 'sentence' => also_see_connection_sentence( $answer ) );
}

function also_see_connection_sentence( $answer ): string {
	if ( '' === also_see_setting( 'ALSO_SEE_URL' ) || '' === also_see_setting( 'ALSO_SEE_KEY' ) ) {
		return __( 'Enter an address and a key, and save them.', 'also-see' );
	}
	if ( is_wp_error( $answer ) ) {
		/* translators: 1: an address, 2: an error message */
		return sprintf( __( 'No answer from %1$s: %2$s', 'also-see' ), also_see_service(), $answer->get_error_message() );
	}
	$status = (int) wp_remote_retrieve_response_code( $answer );
	if ( 401 === $status || 403 === $status ) {
		return __( 'The service answers, and refuses the key. It needs the scope ingest and this site.', 'also-see' );
	}
	if ( 404 === $status ) {
		/* translators: the name of a site */
		return sprintf( __( 'The service answers, and has no site “%s”.', 'also-see' ), also_see_setting( 'ALSO_SEE_SITE', 'main' ) );
	}
	if ( 200 !== $status ) {
		/* translators: an HTTP status */
		return sprintf( __( 'The service answers with status %d. Its log says why.', 'also-see' ), $status );
	}
	return __( 'Connected: the service takes this key.', 'also-see' );
}

add_action( 'admin_init', 'also_see_admin_init' );
add_action( 'admin_menu', 'also_see_menu' );
add_action( 'admin_enqueue_scripts', 'also_see_admin_scripts' );
add_action( 'rest_api_init', 'also_see_routes' );
